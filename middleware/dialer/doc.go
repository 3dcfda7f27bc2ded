// Package dialer makes the connections of clients whose hosts are interface VPC endpoints, or anything else that has an address in several zones: it decides which
// address, how long to wait, what to try next, and whether a path still stands. It knows no SDK, and changes no host: what was signed, and what TLS verifies, stays.
//
// Package middleware puts it into the HTTP client of AWS SDK configs, which is what most programs want. [Dialer.Install] does that to an http.Transport.
// [Dialer.RoundTripper] is for all other HTTP clients, [Dialer.DialContext] for clients that take such a function, and [Dialer.LookupHost] for those that look
// hosts up by themselves.
//
// # Which address
//
// Of a host's addresses, those in this process's zone are tried first (resolver.Home), then the others as DNS rotates them, and last those that failed lately or
// belong to a zonal name that is ejected. What is in the zone, the resolver knows: from the endpoints' zonal names, which this package asks for together with
// a host's own addresses if nobody has yet, for no longer than 50 ms; from subnets; and from the process's own subnet. An address is only ever chosen
// among those that DNS has given for the host.
//
// Health is one. A connection to an address that a zonal name of this zone leads to, made, failed or broken under whatever host, counts as that of the name. What may be
// the odd host's own does not: its certificate, its TLS. That address is tried last for that host alone, for ten seconds. Requests that package middleware has sent away from
// the zone say so ([Elsewhere]): their connections lead to the zone's addresses last.
//
// A [Dialer.RoundTripper] comes back to a zone whose connections failed within some ten seconds of the repair. One that was left for its answers (5xx, none in time) is tried by
// an idempotent request (GET, HEAD, OPTIONS, PUT, DELETE) whose body, if it has one, can be had again: about every ten seconds at first, and after a minute ever less often. A
// client that makes none of those comes back after five minutes.
//
// A transport with a dial function of its owner's is asked by host name, as before. The dialer can't choose among addresses then: if it gets one that failed
// lately, it asks again, up to four times.
//
// Hosts of which nothing is known are connected to by their name, as they would be without this package, by the very function that the transport had. To
// know that, they are looked up once more, at the most every 30 s.
//
// # Nearest
//
// If no endpoint serves a host and none of its addresses is known to be in the zone, but all of them are private (RFC 1918, RFC 6598, RFC 4193; in a network that is made
// on one machine, loopback addresses other than 127.0.0.1), then on Linux the nearest comes first. How far one is, the kernel says of connections that are
// made anyway: the time from its SYN to the answer, of which the lower quartile of the last 16 counts. Once all have
// been connected to four times, those are left out that are farther than the nearest by a fifth, by 30 µs, and by more than chance explains, until one is left, or some that
// are as near; others take their place after three minutes in a row. One connection of two hundred is made as DNS says. The resolver's log, snapshots and routes say so (resolver.Nearest), and [WithoutNearest] switches it off. Nothing is sent to find it out.
//
// # Connecting
//
// Connections to zonal names have a connect timeout: DNS, TCP and TLS together. Time in which this process did not run does not count, and a server that has begun
// to answer the handshake is left to the transport's own timeout. If a host has several addresses,
// the next one is tried beside the one before after 0.1 s, or at once after an error (Happy Eyeballs, RFC 8305). One that was overtaken is given a second
// to answer before it has failed. What fails is told to the resolver, and what it
// knows is asked: both look at one health. A zonal name that is ejected because it could not be connected to is tried again in the background, about every ten
// seconds; no request has to.
//
// # Paths
//
// On Linux, connections to endpoints are watched through TCP_INFO, the kernel's own view of that very connection. A path is dead if data was sent again three
// times and nothing came, or if all is acknowledged and keep-alives went unanswered for 1.1 s. That takes some two seconds; packets that are
// lost for a second end nothing. The connection then ends with an [Error] whose cause is resolver.CausePathDead. A slow service acknowledges, a server
// that pauses reading answers the kernel's window probes, and the kernel acknowledges for a process that is starved or stopped: they are left alone.
// Connections are looked at three to ten times a second while something is outstanding, and idle ones not at all after a minute, except those of HTTP/2, on which a request may wait unseen. If thousands wait for one address, sixteen at a
// time are probed, until one goes unanswered. A connection whose keep-alives its owner switched off is not probed: it is watched while data is
// unacknowledged, and not while it waits for an answer. On other systems the connections have the keep-alives that they have.
//
// The kernel's view needs the socket. A connection that the owner's dial function wraps has one if the wrapper embeds the net.Conn or has a NetConn method.
//
// # Errors
//
// An [Error] says why there is no connection. [Error.NotSent] reports whether it proves that no byte of a request was sent.
//
// net/http sends what is idempotent once more by itself if a kept connection breaks under it. If there is no connection in this zone for that, [Dialer.RoundTripper] lets it go
// elsewhere, as net/http would have, bare: it is net/http's second send at another address, and not one more.
//
// A panic in the function that a transport connects by is an error, too, which says nothing of the name; the resolver counts and logs it. Under net/http alone it
// would end the process. Here attempts have goroutines of their own also for those who call [Dialer.DialContext], and could have recovered it.
package dialer
