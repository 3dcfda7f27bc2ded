package resolver

import "fmt"

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
	Unhealthy                 // the zonal name is ejected, or this request compares it with the regional one
	NotInZone                 // the endpoint has no network interface in this zone
	NoZone                    // this process's zone isn't known (yet)
	CrossRegion               // the endpoint's service is in another Region: it has no zonal names
	Pinned                    // the host is a zonal name already
	FreePath                  // a gateway endpoint serves these requests free of charge
	ShiftedAway               // a zonal shift keeps requests away from the zone
	FailedOver                // the zonal name was tried and failed
	SwitchedOff               // the mode is Off
	Untried                   // the zonal name has not been connected to yet, and the request can't be sent twice
	Nearest                   // no endpoint is known for the host; a dialer prefers the nearest of its private addresses
)

// Target is the kind of name that a request goes to for this reason.
func (r Reason) Target() Target {
	switch r {
	case InZone:
		return Zonal
	case Unhealthy, NotInZone, NoZone, CrossRegion, ShiftedAway, FailedOver, Untried:
		return Regional
	}
	return Unmatched
}

// Meaning says what the reason means, for people.
func (r Reason) Meaning() string { return nameOf(reasonMeanings[:], uint8(r)) }

// Cause is what kept a request from being answered under a name.
type Cause uint8

const (
	NoCause          Cause = iota
	CauseAbsent            // the name doesn't exist: the endpoint isn't in the zone
	CauseDNS               // the name could not be looked up
	CauseConnect           // refused, unreachable, or reset before a connection was made
	CauseCertificate       // another name's certificate, or one that nobody trusted has signed
	CauseTLS               // the TLS handshake failed otherwise
	CauseTimeout           // no connection in time
	CauseBroken            // the connection broke when the request may have been sent
	CausePathDead          // no answer came, and the path to the server was found dead
	CauseUnavailable       // 502, 503 or 504 that no service gave
	CauseUnanswered        // a deadline passed while the name owed an answer
	CauseServerError       // a 5xx with a request id: the service's own
)

// Meaning says what the cause means, for people.
func (c Cause) Meaning() string { return nameOf(causeMeanings[:], uint8(c)) }

// ofName reports whether the cause says something of the exact name that was tried,
// and nothing of the addresses behind it.
func (c Cause) ofName() bool {
	return c == CauseAbsent || c == CauseDNS || c == CauseCertificate
}

// ofConnecting reports whether a connection in the background, which carries no
// request, can show that the cause is gone.
func (c Cause) ofConnecting() bool {
	switch c {
	case CauseAbsent, CauseDNS, CauseConnect, CauseCertificate, CauseTLS, CauseTimeout, CausePathDead:
		return true
	}
	return false
}

// serverError reports whether the server answered, and said that it can't.
func (c Cause) serverError() bool { return c == CauseServerError || c == CauseUnavailable }

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
		"Pinned", "FreePath", "ShiftedAway", "FailedOver", "SwitchedOff", "Untried", "Nearest",
	}
	causeNames = [...]string{
		"", "absent", "dns", "connect", "certificate", "tls", "timeout", "broken", "path dead",
		"unavailable", "unanswered", "server error",
	}
	reasonMeanings = [len(reasonNames)]string{
		NoEndpoint:  "no endpoint is known for the host, or the host is never rewritten",
		InZone:      "sent to the endpoint's name in this zone",
		Unhealthy:   "sent to the regional name: the zonal name is ejected, or the two are compared",
		NotInZone:   "sent to the regional name: the endpoint has no network interface in this zone",
		NoZone:      "sent to the regional name: the zone's name is not known",
		CrossRegion: "sent to the regional name: the service is in another Region, so there is no zonal name",
		Pinned:      "sent as it was: the host is a zonal name already",
		FreePath:    "sent as it was: a gateway endpoint serves it free of charge",
		ShiftedAway: "sent to the regional name: a zonal shift keeps requests away from this zone",
		FailedOver:  "sent to the regional name, after the zonal one had failed",
		SwitchedOff: "sent as it was: the mode is off",
		Untried:     "sent to the regional name: nobody has connected to the zonal one yet, and the request can't be sent twice",
		Nearest:     "no endpoint is known for the host; the nearest of its private addresses is preferred",
	}
	causeMeanings = [len(causeNames)]string{
		CauseAbsent:      "the name doesn't exist",
		CauseDNS:         "the name could not be looked up",
		CauseConnect:     "connections were refused, or there is no route",
		CauseCertificate: "the certificate is another name's, or not trusted",
		CauseTLS:         "the TLS handshake failed",
		CauseTimeout:     "there was no connection in time",
		CauseBroken:      "connections broke when a request may have been sent",
		CausePathDead:    "no answer came, and the path to the server was found dead",
		CauseUnavailable: "it answered 502, 503 or 504, with no service behind it",
		CauseUnanswered:  "deadlines passed without an answer",
		CauseServerError: "it gave server errors, and the regional name answered",
	}
	modeNames = [...]string{"prefer", "observe", "off"}
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
