package resolver

import "fmt"

// Route says where a request goes and why. Routes are values: a Route stays
// what it was when it was resolved.
type Route struct {
	// Host is the host to send the request to, and to sign it for. It is the
	// host that was asked about where routing has nothing better.
	Host string
	// Fallback is where the same request may go when Host can't be reached; it
	// leads to the same endpoint. Empty: there is nothing to fall back to.
	Fallback string
	// Target is the kind of name that Host is.
	Target Target
	// Reason says why.
	Reason Reason
	// Cause is set once the request went to Fallback: what kept it from the
	// zonal name. Host, Target and Reason then tell of the second send.
	Cause Cause
	trial bool // this request finds out whether the name works again
	// Observed is set in [Observe] mode only: the host that [Prefer] would have
	// put into Host, which then is the host that was asked about. Target and
	// Reason tell of Observed.
	Observed string

	via *via // nil where no endpoint was chosen
}

// via is what the routes by one endpoint have in common.
type via struct {
	endpoint, service, zone string
	health                  *health // of the zonal name; nil where that isn't used
	counts                  *counts // of the endpoint; nil: nobody keeps them
}

// Endpoint is the id of the interface endpoint that was chosen, or empty.
func (r Route) Endpoint() string {
	if r.via == nil {
		return ""
	}
	return r.via.endpoint
}

// Service is the service's part of the chosen endpoint's names, such as "sqs", or
// empty.
func (r Route) Service() string {
	if r.via == nil {
		return ""
	}
	return r.via.service
}

// Zone is the name of the zone that a zonal name was looked for in, or empty.
func (r Route) Zone() string {
	if r.via == nil {
		return ""
	}
	return r.via.zone
}

// Trial tells that the zonal name is out of use, and that this request is to find
// out whether it works again. It should take a new connection: one from before
// doesn't show that another can be made.
func (r Route) Trial() bool { return r.trial }

// InUse tells whether the zonal name in Host is in use at this moment, and not as
// it was when the route was made. It is true of all other hosts.
func (r Route) InUse() bool {
	h := r.health()
	return h == nil || h.inUse()
}

// health is that of the zonal name in Host, or nil.
func (r Route) health() *health {
	if r.via == nil || r.Target != Zonal || r.Observed != "" {
		return nil
	}
	return r.via.health
}

// Target is the kind of name a request is sent to.
type Target uint8

const (
	Unmatched Target = iota // the host that the SDK resolved, which no endpoint is known for
	Regional                // the endpoint's regional name, or the service host that private DNS leads to it
	Zonal                   // the endpoint's name in this zone
)

// Reason says why a request is sent where it is.
type Reason uint8

const (
	NoEndpoint  Reason = iota // no endpoint is known for the host, or the host is never rewritten
	InZone                    // the endpoint is in this zone, or isn't known not to be
	Unhealthy                 // the zonal name has failed lately
	NotInZone                 // the endpoint has no network interface in this zone
	NoZone                    // this process's zone isn't known (yet)
	CrossRegion               // the endpoint's service is in another Region: it has no zonal names
	Pinned                    // the host is a zonal name already
	FreePath                  // a gateway endpoint serves these requests free of charge
	Evacuated                 // told to keep away from the zone, by Avoid
	FailedOver                // the zonal name was tried and could not be reached
	SwitchedOff               // the mode is Off
)

// Target is the kind of name that a request goes to for this reason.
func (r Reason) Target() Target {
	switch r {
	case InZone:
		return Zonal
	case Unhealthy, NotInZone, NoZone, CrossRegion, Evacuated, FailedOver:
		return Regional
	}
	return Unmatched
}

// Cause is what kept a request from a zonal name.
type Cause uint8

const (
	NoCause          Cause = iota
	CauseAbsent            // the name doesn't exist: the endpoint isn't in the zone
	CauseDNS               // the name could not be looked up
	CauseConnect           // refused, unreachable, or reset before a connection was made
	CauseCertificate       // another name's certificate, or nobody's that is trusted
	CauseTLS               // the TLS handshake failed otherwise
	CauseTimeout           // no connection in time
	CauseBroken            // the connection broke when the request may have been sent
	CauseSilent            // no answer came, and the path to the server was found dead
	CauseUnavailable       // an answer that says so, and not from the service
)

// Mode says what a [Resolver] does with its decisions.
type Mode uint8

const (
	Prefer  Mode = iota // use the zonal name wherever there is one
	Observe             // decide and count, but change nothing
	Off                 // do nothing
)

var (
	targetNames = [...]string{"Unmatched", "Regional", "Zonal"}
	reasonNames = [...]string{
		"NoEndpoint", "InZone", "Unhealthy", "NotInZone", "NoZone", "CrossRegion",
		"Pinned", "FreePath", "Evacuated", "FailedOver", "SwitchedOff",
	}
	causeNames = [...]string{"", "absent", "dns", "connect", "certificate", "tls", "timeout", "broken", "silent", "unavailable"}
	modeNames  = [...]string{"prefer", "observe", "off"}
)

func (t Target) String() string { return nameOf(targetNames[:], uint8(t)) }
func (r Reason) String() string { return nameOf(reasonNames[:], uint8(r)) }
func (c Cause) String() string  { return nameOf(causeNames[:], uint8(c)) }
func (m Mode) String() string   { return nameOf(modeNames[:], uint8(m)) }

// The names are what JSON shows, and metrics.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
func (c Cause) MarshalText() ([]byte, error)  { return []byte(c.String()), nil }
func (m Mode) MarshalText() ([]byte, error)   { return []byte(m.String()), nil }

func nameOf(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

// ParseMode reads a mode's name: "prefer", "observe" or "off".
func ParseMode(s string) (Mode, error) {
	for i, name := range modeNames {
		if s == name {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("resolver: %q is not a mode: want prefer, observe or off", s)
}

// FailedOver is the route that a request took when it was sent to r's fallback
// because of c: r itself where there is nothing to fall back to.
func (r Route) FailedOver(c Cause) Route {
	if r.Fallback == "" {
		return r
	}
	r.Host, r.Fallback = r.Fallback, ""
	r.Target, r.Reason, r.Cause, r.trial = Regional, FailedOver, c, false
	return r
}
