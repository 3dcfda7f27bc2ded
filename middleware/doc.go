// Package middleware keeps the requests of aws-sdk-go-v2 clients inside their
// Availability Zone, by sending them to the zonal names of interface VPC
// endpoints.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	if err != nil { … }
//	r, err := middleware.Wrap(&cfg)
//	if err != nil { … }
//	defer r.Close()
//
// Which endpoints there are is in the environment (AZAFFINITY_ENDPOINTS, see
// package endpoint), and the zone is found (see package zone). [Append] is for
// those who would rather do one client or one call, or share a resolver.
//
// # What it does to a request
//
// For each attempt, after the SDK has resolved the endpoint and right before it
// signs, the host is looked up. A host that an endpoint serves is exchanged for
// the endpoint's zonal name, which the request is then signed for and sent to.
// Presigned requests, requests whose Host somebody set, and clients that have no
// step for signing are left alone.
//
// # When the zonal name can't be reached
//
// If it is certain that no byte of the request was sent (the name doesn't resolve,
// the connection is refused, the TLS handshake fails, there is no connection within
// the connect budget, a second), the same attempt goes to the endpoint's regional
// name, signed anew. It is still one attempt to the SDK, and it works with retries
// off. The regional name may begin with the dead address: where no connection comes
// within a tenth of the budget, another is asked for.
//
// If the request may have arrived, it is never sent again by this package: the
// error goes to the SDK, and if that retries, its next attempt goes to the regional
// name. Streams in both directions are routed, but not sent again.
//
// # When no answer comes
//
// A request that was sent and goes unanswered may be at a service that takes its
// time, or on a path that died. A TCP connection to the same address, made aside
// after 0.4 s and closed at once, tells which: one at a time for an address and, while
// it is answered, one a second. A slow service is left alone. Where the path is dead, the
// zonal name goes out of use, and after a second of silence the attempts that the SDK
// would retry end with an error that has it do so, elsewhere. Those that still wait
// for a connection to the name fail over.
// An attempt that has no retry behind it is left to its caller's deadline.
//
// # What counts against a name
//
// [Classify] says, and [WithClassifier] replaces it. An answer is an answer, whatever
// it says: a policy's 403 comes from a healthy endpoint. Nothing in this package makes
// a call fail; where it doesn't know better, or goes wrong, a request goes where the
// SDK would have sent it.
//
// # Where did my call go?
//
// [RouteFrom] tells from the metadata of a result, and a [RoutedError] in the
// chain of an error. An [EndpointPolicyError] names the endpoint whose policy said
// no. What all calls together did is in [resolver.Resolver.Snapshot].
package middleware
