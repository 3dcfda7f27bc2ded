// Package middleware keeps the requests of aws-sdk-go-v2 clients inside their Availability Zone, by sending them to the zonal names of interface VPC
// endpoints.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	if err != nil { … }
//	r, err := middleware.Wrap(&cfg)
//	if err != nil { … }
//	defer r.Close()
//
// Which endpoints there are is in the environment (AZAFFINITY_ENDPOINTS, see package endpoint), and the zone is found (see package zone). [Attach] is for
// configs that share a resolver, or for one client; [Client] and [Append] are for those who build clients themselves.
//
// # What it does to a request
//
// For each attempt, after the SDK has resolved the endpoint and right before it signs, the host is looked up. A host that an endpoint serves is exchanged for
// the endpoint's zonal name, which the request is then signed for and sent to. Presigned requests, requests whose Host somebody set, and clients that have no
// step for signing are left alone.
//
// # When the zonal name can't be reached
//
// A [dialer.Dialer] inside the SDK's own HTTP client makes the connections. If it is proven that no byte of the request was sent (the name doesn't resolve, the
// connection is refused, the TLS handshake fails, there is no connection within the connect timeout, a second), the same attempt goes to the
// endpoint's regional name, signed anew. It is still one attempt to the SDK, and it works with retries off. The dialer doesn't connect to the
// address that has just failed if the regional name has others.
//
// If the request may have arrived, it is never sent again by this package: the error goes to the SDK, and if that retries, its next attempt goes to the
// regional name. Streams in both directions are routed, but not sent again.
//
// # When no answer comes
//
// The dialer asks the kernel, of the very connection, whether the path still stands (Linux). If it doesn't, the connection ends with an error that the SDK
// retries, some two seconds after the path died, and the zonal name is ejected. A slow service is left alone, and so is a request that has no other attempt
// behind it: it may be answered yet. A deadline that passes while a zonal name owes an answer counts as a failure.
//
// # Which requests try a name
//
// A request that can't be sent twice is never the one that tries a zonal name which may not exist, or which is ejected: it goes to the regional name until
// another request, or the dialer, has shown that the zonal one works.
//
// # HTTP clients of somebody else's
//
// The dialer can be in a BuildableClient, the SDK's own, or in an *http.Client on an *http.Transport, if its owner says so ([Client]). Around any other, requests are
// routed, and sent again if the client's httptrace events prove that there was no connection; there is a plain connect timeout of a second. Paths that die are
// not noticed there. A note in the resolver's snapshot and a line in its log say so.
//
// # What counts against a name
//
// Answers are answers: a policy's 403 comes from a healthy endpoint, and so does a throttling error. After a 5xx, the call's next attempt goes elsewhere; the name is
// ejected if the same is answered there. Nothing in this package makes a call fail; if it doesn't know better, or goes wrong, a request goes where the SDK would
// have sent it.
//
// # Limits
//
// The dialer takes TLSClientConfig and TLSHandshakeTimeout of an HTTP client as they are when it is installed. It also takes the timeouts of the config's
// DefaultsMode, but not those of a mode that one client is given by itself, nor the default read timeout that AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026
// switches on for a service; one that WithReadTimeout set before is kept. An HTTP client that is put into the config later has no dialer, and nobody notices.
//
// The retry after a broken connection is the SDK's, with the SDK's pause: up to two seconds before the second attempt. If many calls break at once, 90 at
// a time are handed to it, since that is what its retry quota pays for; the others wait, 20 s at most, instead of failing. With a Retryer that has a smaller
// quota, or that doesn't retry broken connections, they fail.
//
// A deadline that ends before an answer counts against the name even if it was too short, or passed in the queue of MaxConnsPerHost. Three in a row eject the
// name, which costs new calls the way to another zone until it is back. Zonal and regional names have connection pools of their own, so
// MaxIdleConnsPerHost and MaxConnsPerHost count for each.
//
// While a zonal name is ejected, calls are as safe as the bare SDK's by the regional name, and no safer: if another zone answers 503 then, all attempts of
// a call may meet it over the same kept connection. An idle connection to the regional name may lead to the zone that failed; it is found dead when it is used.
//
// A zonal name that its user pinned by BaseEndpoint keeps the user's timeouts and is used even while it is ejected for others, as are calls that nobody
// could send elsewhere. A download whose path dies in the middle of the body ends with an error after some two seconds; reading on is the reader's, as after any
// broken connection. A body from an io.PipeReader, and if something reads bodies before there is a connection (aws.LogRequestWithBody, some HTTP clients of
// somebody else's) any stream or body with a trailing checksum, is not sent again.
//
// # Where did my call go?
//
// [RouteFrom] tells from the metadata of a result, and a [RoutedError] in the chain of an error. An [EndpointPolicyError] names the endpoint whose policy said
// no. What all calls together did is in [resolver.Resolver.Snapshot].
package middleware
