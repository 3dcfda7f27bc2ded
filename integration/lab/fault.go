package lab

import "fmt"

// Fault is something that is wrong with front ends. The zero value is None. Faults can be compared with ==.
type Fault struct {
	kind kind
	n    int // of ResetAfter and ServerError
}

type kind string

const (
	resetAfter  kind = "reset after"
	serverFails kind = "server error"
)

// The faults. None of those that refuse a request executes or counts it; only ResetAfter executes, and those that merely hold a request up (Stall,
// PauseReading, and packets that are sent again) when they are over.
var (
	// None: all is well.
	None = Fault{}
	// Refuse: the endpoint is stopped. Connecting is refused, and connections there are get reset.
	Refuse = Fault{kind: "refuse"}
	// BlackHole: packets vanish, in the kernel. Connecting never completes. On connections there are, what the client sends stays unacknowledged and is
	// sent again, and keep-alives go unanswered. (Linux only)
	BlackHole = Fault{kind: "black hole"}
	// DropSYN: connecting never completes, as where a firewall's table of connections is full. Connections there are keep working. (Linux only)
	DropSYN = Fault{kind: "drop SYN"}
	// Hang: connecting works, what arrives is acknowledged, and nothing answers, not even TLS. Connections there are lose their packets, as with
	// BlackHole. (On other systems than Linux they only stop answering.)
	Hang = Fault{kind: "hang"}
	// PauseReading: the server does not read from its sockets. The kernel acknowledges what arrives until its buffers are full, and then says that its
	// window is closed. What was read before is answered.
	PauseReading = Fault{kind: "pause reading"}
	// Stall: network and TLS work, the request is read, and no answer comes. When None follows, the request is executed; when another fault does, the
	// connection is reset. A request that its client gives up is dropped, and its HTTP/2 connection stays.
	Stall = Fault{kind: "stall"}
	// Reset: the request is read, and the connection reset.
	Reset = Fault{kind: "reset"}
	// Unavailable: 503 from a load balancer that has no target: no AWS request id, no service behind it.
	Unavailable = Fault{kind: "unavailable"}
	// Throttle: the service asks for fewer requests, in its own words, with a request id: S3's 503 SlowDown, ThrottlingException elsewhere.
	Throttle = Fault{kind: "throttle"}
	// WrongCertificate: new connections are shown a certificate for another name.
	WrongCertificate = Fault{kind: "wrong certificate"}
)

// The faults of DNS. They are the zonal name's: other names that lead to the front end are answered, and connections there keep working.
var (
	// DNSAbsent: NXDOMAIN, as where the endpoint isn't in the zone.
	DNSAbsent = Fault{kind: "DNS: absent"}
	// DNSNoData: the name exists and has no addresses.
	DNSNoData = Fault{kind: "DNS: no data"}
	// DNSServerFailure: SERVFAIL.
	DNSServerFailure = Fault{kind: "DNS: server failure"}
	// DNSSilent: the question is not answered.
	DNSSilent = Fault{kind: "DNS: silent"}
)

// ResetAfter executes and counts the request, sends n bytes of the answer's body and resets the connection. With n = 0 not even the status
// line is sent.
func ResetAfter(n int) Fault { return Fault{kind: resetAfter, n: n} }

// ServerError is the service's own failure: the request is read and answered with this status, an error in the service's format, and an AWS request id.
func ServerError(status int) Fault { return Fault{kind: serverFails, n: status} }

func (f Fault) String() string {
	switch f.kind {
	case "":
		return "none"
	case resetAfter:
		return fmt.Sprintf("reset after %d bytes", f.n)
	case serverFails:
		return fmt.Sprintf("server error %d", f.n)
	}
	return string(f.kind)
}

// silent reports whether nothing gets through on connections that there are.
func (f Fault) silent() bool { return f == Hang || f == BlackHole }

// stopsRequests reports whether what clients send does not get to the server.
func (f Fault) stopsRequests() bool { return f.silent() || f == PauseReading }

// needsHTTP reports whether the fault is in the TLS or HTTP of a front end.
func (f Fault) needsHTTP() bool {
	switch f.kind {
	case Stall.kind, Reset.kind, Unavailable.kind, Throttle.kind, WrongCertificate.kind, resetAfter, serverFails:
		return true
	}
	return false
}

// dropsSYN reports whether the kernel drops what asks for a connection.
func (f Fault) dropsSYN() bool { return f == BlackHole || f == DropSYN }

// Fault makes every front end of a zone behave so from now on, until the next call. It takes effect within a millisecond or two, so that a blip is
// BlackHole, a pause, and None. A connection that lost packets works again when the fault is over and the client's kernel has sent them again: with
// each try it waits twice as long. It goes on trying for a program that closed the connection meanwhile, so such a request can still arrive, and be
// executed. Faults of TLS and HTTP leave an endpoint's Server as it is. The error says that there is no such zone, or that the fault can't be made
// here.
func (l *Lab) Fault(zone string, f Fault) error {
	if l.zone(zone) == nil {
		return fmt.Errorf("lab: no zone %q", zone)
	}
	for _, e := range l.endpoints {
		for _, front := range e.fronts {
			if front.zone.Name != zone || f.needsHTTP() && !front.speaksHTTP() {
				continue
			}
			if err := front.setFault(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// FaultService is Fault for one service's endpoint only.
func (l *Lab) FaultService(service, zone string, f Fault) error {
	e := l.endpoint(service)
	if e == nil {
		return fmt.Errorf("lab: no endpoint for %q", service)
	}
	for _, front := range e.fronts {
		if front.zone.Name == zone {
			return front.setFault(f)
		}
	}
	return fmt.Errorf("lab: the endpoint for %s is not in %q", service, zone)
}
