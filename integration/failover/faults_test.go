package failover

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
)

// fault is something that is wrong with the home zone's front end of a service.
type fault struct {
	name  string
	is    lab.Fault
	kind  kind
	kept  bool           // it begins while there is a connection
	cause resolver.Cause // that the route of a failover names
	// client is the config of a program with an HTTP client of another kind than the SDK's own.
	client func(*place) aws.Config
	// unquick faults have the bare SDK wait for its own timeouts, the shortest of which is 10 s.
	unquick bool
}

// kind is how far a request gets, which is what decides about it.
type kind int

const (
	healthy    kind = iota
	unreached       // no connection: nothing was sent
	refused         // the request was read and not executed, and no answer came, or that of a load balancer
	executed        // the request was executed, and the connection broke before the answer
	cut             // the request was executed, and the connection broke in the answer
	silent          // the path died under a connection: nothing arrives any more
	slow            // the path is fine, and the answer takes its time
	unanswered      // the path is fine, and no answer comes before the caller's deadline
)

var faults = []fault{
	{name: "none", is: lab.None, kind: healthy},
	{name: "name absent (NXDOMAIN)", is: lab.DNSAbsent, kind: unreached, cause: resolver.CauseAbsent},
	{name: "name without address (NODATA)", is: lab.DNSNoData, kind: unreached, cause: resolver.CauseAbsent},
	{name: "DNS fails (SERVFAIL)", is: lab.DNSServerFailure, kind: unreached, cause: resolver.CauseDNS},
	{name: "DNS is silent", is: lab.DNSSilent, kind: unreached, cause: resolver.CauseTimeout, unquick: true},
	{name: "connection refused", is: lab.Refuse, kind: unreached, cause: resolver.CauseConnect},
	{name: "black hole", is: lab.BlackHole, kind: unreached, cause: resolver.CauseTimeout, unquick: true},
	{name: "hangs before TLS", is: lab.Hang, kind: unreached, cause: resolver.CauseTimeout, unquick: true},
	{name: "another's certificate", is: lab.WrongCertificate, kind: unreached, cause: resolver.CauseCertificate},
	{name: "reset after the request", is: lab.Reset, kind: refused},
	{name: "reset before the answer", is: lab.ResetAfter(0), kind: executed},
	{name: "reset within the answer", is: lab.ResetAfter(20), kind: cut},
	{name: "black hole under a connection", is: lab.BlackHole, kind: silent, kept: true, unquick: true},
	{name: "slow service", is: lab.Stall, kind: slow, unquick: true},
	{name: "stall with a deadline", is: lab.Stall, kind: unanswered},
	{name: "503 without a request id", is: lab.Unavailable, kind: refused},
	{name: "500 with a request id", is: lab.ServerError(http.StatusInternalServerError), kind: refused},
	{name: "503 with a request id", is: lab.ServerError(http.StatusServiceUnavailable), kind: refused},
	{name: "name absent, client that reads bodies", is: lab.DNSAbsent, kind: unreached, client: func(p *place) aws.Config {
		return attachTo(p, p.resolver, &http.Client{Transport: reading{p.HTTPClient().Transport, 4, 50 * time.Millisecond}})
	}},
	{name: "name absent, client that logs bodies", is: lab.DNSAbsent, kind: unreached, client: func(p *place) aws.Config {
		cfg := p.routed()
		cfg.ClientLogMode, cfg.Logger = aws.LogRequestWithBody, logging.Nop{}
		return cfg
	}},
}

// The times that are promised, and what a busy machine may add to them.
const (
	connectTimeout = time.Second             // to give up on making a connection, DNS and TLS included
	pathTimeout    = 2500 * time.Millisecond // to find that a path died
	slack          = 1500 * time.Millisecond

	slowFor = 2500 * time.Millisecond // how long the slow service takes: longer than a dead path goes unnoticed
)

// deadline is the caller's: if it is to end the call, soon; else late.
func (f fault) deadline() time.Duration {
	switch f.kind {
	case silent:
		return 5 * time.Second
	case unanswered:
		return 2 * time.Second
	}
	return 15 * time.Second
}

// takes is how long the service needs.
func (f fault) takes() time.Duration {
	if f.kind == slow {
		return slowFor
	}
	return 0
}

// strikesZone reports whether the fault is that of all names that lead to the zone.
func (f fault) strikesZone() bool {
	switch f.is {
	case lab.DNSAbsent, lab.DNSNoData, lab.DNSServerFailure, lab.DNSSilent:
		return false
	}
	return f.kind != healthy && f.kind != slow && f.kind != unanswered
}

// outcome is what a call came to.
type outcome int

const (
	answered  outcome = iota
	asBare            // the error that the SDK would have returned without us
	deadlined         // the caller's deadline
	// either: as the SDK happens to read the error, which it retries if it says "connection reset", and doesn't if it says "unexpected EOF". Over
	// HTTP/2 that depends on who looks at the connection first.
	either
)

// expectation is what is promised for a call.
type expectation struct {
	outcome  outcome
	executed int           // at the server
	within   time.Duration // pauses of the SDK's not counted
}

// expect is the promise. What may have arrived is sent again by nobody but the SDK: if its retries are on, and the body, which has been read by then,
// can be rewound. It then goes elsewhere.
//
// Elsewhere is the regional name, and one in three times that leads to the same front end first. The dialer knows that address, and connects to another.
func expect(f fault, w workload, retries, http2 bool) expectation {
	again := retries && !w.readOnce
	took := w.takes + f.takes() + slack
	switch {
	case f.kind == healthy, f.kind == slow:
		return expectation{answered, 1, took}
	case f.kind == unreached:
		return expectation{answered, 1, took + connectTimeout}
	case f.kind == refused && again:
		return expectation{answered, 1, took}
	case f.kind == refused:
		return expectation{asBare, 0, took}
	case f.kind == cut && again && http2 && w.service != "s3":
		return expectation{either, 2, 2 * took}
	case f.kind == executed && again, f.kind == cut && again:
		return expectation{answered, 2, 2 * took}
	case f.kind == executed, f.kind == cut:
		return expectation{asBare, 1, took}
	case f.kind == unanswered:
		return expectation{deadlined, 0, took + f.deadline()}
	case f.kind == silent && again:
		return expectation{answered, 1, took + pathTimeout}
	case f.kind == silent:
		return expectation{deadlined, 0, took + f.deadline()}
	}
	panic("no promise for " + f.name)
}

// lesser is the promise for HTTP clients that azaffinity knows nothing of: nobody notices that a path has died, so the caller's deadline ends such calls.
func lesser(e expectation, f fault) expectation {
	if f.kind == silent {
		return expectation{deadlined, 0, f.deadline() + slack}
	}
	return e
}
