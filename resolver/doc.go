// Package resolver decides which name of an interface VPC endpoint a service host should be reached by right now: the
// one of this process's own Availability Zone, unless that can't serve.
//
// A [Resolver] puts together what a [zone.Source] says (where am I?), what an [endpoint.Source] says (what endpoints
// exist?) and what its callers report (how did it go?). It needs no SDK stack: package middleware asks it for every
// attempt of an AWS SDK client, and any other HTTP client may do the same.
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
// is known for comes back as it is. While the zone isn't known, or if the endpoint isn't in it, the answer is the
// endpoint's regional name, or the service host itself if private DNS leads it to the endpoint. A source that
// fails, hangs or panics is asked again in the background, with growing pauses, for as long as the resolver
// lives; until then its last good answer stays in use, as it does when a listing shrinks to nothing.
//
// # When a zonal name fails
//
// Callers report how a request went, with [Route.Answered] or [Route.Failed]. Failures in a row eject a zonal name, and
// its requests go to the regional name:
//
//   - one, if the name doesn't exist, shows another name's certificate, or leads along a dead path;
//   - three, if the name couldn't be connected to, the connection broke, or a deadline passed unanswered;
//   - five answers such as 503 that no service gave;
//   - three server errors, if the regional name answers meanwhile. A service that fails everywhere is not left.
//
// What says something of a name, and not of the addresses behind it, counts for the exact host that was tried: a label
// in front for which there is no certificate doesn't eject the endpoint's own name.
//
// A name that could not be connected to comes back when a dialer's connection in the background succeeds, which is tried
// about every ten seconds. Without a dialer, and after other failures, a request that can be sent twice takes the
// half-open probe ([Route.Probe]) every 10 s or so: an answer brings the name back, and after a minute or so each failure
// doubles the pause, up to 5 minutes. If no such request comes for 5 minutes more, requests of all kinds go to the name
// again, and one more failure ejects it. Reading this state takes no lock.
//
// # When a zone is given up
//
// [Resolver.ShiftAway] sends everything to regional names until a given time. So does a source of shifts, for as long as it says
// so: the file that [shift.EnvFile] names, which an operator touches; AWS's own autoshifts (module resolver/autoshift); or
// anybody's ([WithShift]). The zone is left for as long as one of them wants it, and a source that fails changes nothing.
//
// # Where addresses are
//
// What can't be rewritten can still be connected to in the zone: [Resolver.Locate] says whether an address is in it, by
// what the endpoints' names lead to and by subnets. Package dialer orders addresses by it, looks the names up as it needs
// them, and reports what becomes of connections to an address as what becomes of its zonal name: health is one. While a
// dialer prefers the nearest address of a host that no endpoint serves, the host's routes have the reason [Nearest]: they
// stay as they are, and nobody knows whether that address is in the zone.
//
// # Trying it out
//
// In mode [Observe] every Route has the host that was asked about in Host, and in Observed the one that [Prefer]
// would have put there. [EnvMode] sets the mode of a process, and [Resolver.SetMode] changes it while that runs.
// [Resolver.Snapshot] shows what is known, where the next request for each endpoint goes and why, what is wrong and what
// to do about it ([Problem]), and how many requests went where; package debug makes a page of it, and
// [WithMeterProvider] metrics. Nothing is logged without [WithLogger]. With it there is a line when the resolver has
// started, and one each when a state begins and ends: a zone or endpoints that can't be had, a name that is ejected, a
// shift away from the zone. There is none per request.
package resolver
