// Package resolver decides which name of an interface VPC endpoint a service host should be reached by right now: the
// one of this process's own Availability Zone, unless that can't serve.
//
// A [Resolver] puts together what it is told by a [zone.Source] (where am I?), by an [endpoint.Source] (what endpoints
// exist?) and by its caller (how did it go?). It needs no SDK stack: package middleware asks it for every attempt
// of an AWS SDK client, and any other HTTP client may do the same.
//
//	r, err := resolver.New(
//		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
//		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{
//			Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com",
//		})))
//	if err != nil {
//		return err // what is wrong with the options
//	}
//	defer r.Close()
//
//	route := r.Resolve("sqs.us-east-1.amazonaws.com")
//	fmt.Println(route.Host)     // vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com
//	fmt.Println(route.Fallback) // vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com
//	fmt.Println(route.Reason)   // InZone
//
// # When things fail
//
// [Resolver.Resolve] has no error and never waits for a network: it reads one immutable table. A host that no endpoint
// is known for comes back as it is. While the zone isn't known, or where the endpoint isn't in it, the answer is the
// endpoint's regional name, or the service host itself where private DNS leads it to the endpoint. A source that
// fails, hangs or panics is asked again in the background, with growing pauses, for as long as the resolver
// lives; until then its last good answer stays in use.
//
// # When a zonal name fails
//
// Whoever sends the request says how it went, with [Resolver.Succeeded] or [Resolver.Failed]. Three failures in a row
// take a zonal name out of use (one, where the name doesn't exist, shows another name's certificate, or leads along a
// dead path; five, of answers such as 503 that no service gave) and its requests go to the regional name. After some 10 s one of them tries the zonal name: its success brings
// the name back, and each failure doubles the pause, up to 5 minutes. Reading this state takes no lock.
//
// # Trying it out
//
// In mode [Observe] every Route has the host that was asked about in Host, and in Observed the one that [Prefer]
// would have put there. [Resolver.SetMode] changes the mode of a running process. [Resolver.Snapshot] shows what is
// known, why an endpoint is left aside, and how many requests went where and why; package debug makes a page of it,
// and [WithMeterProvider] metrics. Nothing is logged without [WithLogger], and nothing per request with it.
package resolver
