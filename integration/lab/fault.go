package lab

import "fmt"

// Fault is something that is wrong with front ends. The zero value is None. Faults can be compared with ==.
type Fault struct {
	kind  kind
	after int
}

type kind string

// The faults. None of those that refuse a request executes or counts it; only ResetAfter executes, and Stall when it is over.
var (
	// None: all is well.
	None = Fault{}
	// Refuse: the endpoint is stopped. Connecting is refused, and connections there are get reset.
	Refuse = Fault{kind: "refuse"}
	// BlackHole: packets vanish. Connecting never completes (the kernel drops SYNs), and connections there are fall silent. (Linux only)
	BlackHole = Fault{kind: "black hole"}
	// Hang: connecting works, and then nothing answers, not even TLS. Connections there are fall silent.
	Hang = Fault{kind: "hang"}
	// Stall: network and TLS work, the request is read, and no answer comes. When None follows, the request is executed; when another fault does, the
	// connection is reset.
	Stall = Fault{kind: "stall"}
	// Reset: the request is read, and the connection reset.
	Reset = Fault{kind: "reset"}
	// Unavailable: 503 from a load balancer that has no target: no AWS request id, no service behind it.
	Unavailable = Fault{kind: "unavailable"}
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
func ResetAfter(n int) Fault { return Fault{kind: "reset after", after: n} }

func (f Fault) String() string {
	switch f.kind {
	case "":
		return "none"
	case "reset after":
		return fmt.Sprintf("reset after %d bytes", f.after)
	}
	return string(f.kind)
}

// silent tells whether nothing gets through on connections that there are.
func (f Fault) silent() bool { return f == Hang || f == BlackHole }

// Fault makes every front end of a zone behave so from now on, until the next call. A connection that fell silent works again when the fault is over,
// unless its client gave it up: then what it sent meanwhile is lost. The error says that there is no such zone, or that the fault can't be made here.
func (l *Lab) Fault(zone string, f Fault) error {
	if l.zone(zone) == nil {
		return fmt.Errorf("lab: no zone %q", zone)
	}
	for _, e := range l.endpoints {
		for _, front := range e.fronts {
			if front.zone.Name != zone {
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
