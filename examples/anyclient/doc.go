// Package anyclient has clients other than aws-sdk-go-v2, each with the one line by which its connections stay in the Availability Zone: tested examples,
// against real servers behind endpoints in a VPC in one process.
//
// What they have in common is a dialer. It changes no host, so URLs, signatures and certificates stay what they are; it chooses among the host's addresses.
//
//	r, err := resolver.New() // the endpoints are those of AZAFFINITY_ENDPOINTS, partners' among them; the zone is found
//	if err != nil { ... }
//	defer r.Close()
//	d := dialer.New(r)
//
// And then:
//
//	net/http              &http.Client{Transport: d.RoundTripper(nil)}          presigned URLs, private REST APIs
//	transfermanager       s3.Options.HTTPClient = that client                   in place of WithRoundRobinDNS
//	aws-sdk-go (v1)       aws.Config{HTTPClient: that client}
//	go-containerregistry  crane.WithTransport(d.RoundTripper(nil))              pulls from ECR
//	grpc                  grpc.WithContextDialer(d.DialContext, for "tcp")      with a "passthrough:///" target
//	pgx                   LookupFunc = d.LookupHost, DialFunc = d.DialContext
//	go-redis              redis.Options{Dialer: d.DialContext}
//
// Each of the examples also meets a zone that goes down while it works (TestZoneGoes): no call fails, and they arrive in the others.
//
// An HTTP client's requests are back in the zone when that is well again. gRPC, go-redis and pgx's pool stay with the connections they have, wherever those
// were made: a lifetime for connections (keepalive.ServerParameters.MaxConnectionAge, redis.Options.ConnMaxLifetime, pgxpool.Config.MaxConnLifetime) brings
// them back.
package anyclient
