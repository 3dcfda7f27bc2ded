// Package dialer makes the connections of HTTP clients whose hosts are interface VPC endpoints: it decides which address, how long to wait, what to try next, and
// whether a path still stands. It knows no SDK.
//
// Package middleware puts it into the HTTP client of AWS SDK configs, which is what most programs want. [Dialer.Install] does that to an http.Transport,
// [Dialer.RoundTripper] returns one that has it, [Dialer.DialContext] is for clients that take such a function, and [Dialer.LookupHost] for those that connect
// by themselves.
//
// # Connecting
//
// Connections to zonal names have a connect timeout: DNS, TCP and TLS together. Time in which this process did not run does not count, and a server that has begun
// to answer the handshake is left to the transport's own timeout. If a host has several addresses, those that have failed lately come last, and
// the next one is tried beside the one before after 0.1 s, or at once after an error (Happy Eyeballs, RFC 8305). What fails is told to the resolver, and what it
// knows is asked: both look at one health. A zonal name that is ejected because it could not be connected to is tried again in the background, about every ten
// seconds; no request has to.
//
// Hosts that no endpoint serves are connected to as they would be without this package, by the very function that the transport had.
//
// # Paths
//
// On Linux, connections to endpoints are watched through TCP_INFO, the kernel's own view of that very connection. A path is dead if data was sent again three
// times and nothing came, or if all is acknowledged and keep-alives went unanswered for 1.1 s. That takes some two seconds; packets that are
// lost for a second end nothing. The connection then ends with an [Error] whose cause is resolver.CausePathDead. A slow service acknowledges, a server
// that pauses reading answers the kernel's window probes, and the kernel acknowledges for a process that is starved or stopped: they are left alone.
// Connections are looked at three to ten times a second while something is outstanding, and idle ones not at all after a minute, except those of HTTP/2, on which a request may wait unseen. If thousands wait for one address, sixteen at a
// time are probed, until one goes unanswered. A connection whose keep-alives its owner switched off is not probed. On other systems the connections have the
// keep-alives that they have.
//
// # Errors
//
// An [Error] says why there is no connection. [Error.NotSent] reports whether it proves that no byte of a request was sent.
//
// A panic in the function that a transport connects by is an error, too, which says nothing of the name; the resolver counts and logs it. Under net/http alone it
// would end the process. Here attempts have goroutines of their own also for those who call [Dialer.DialContext], and could have recovered it.
package dialer
