package resolver

import "fmt"

// Route says where a request goes and why. Routes are values: a Route stays
// what it was when it was resolved. The methods do not allocate, and do nothing on
// the zero Route.
//
// Callers that act on a route call [Route.Sent] when they send, and then
// [Route.Answered] or [Route.Failed]: that is all the resolver knows of a name's
// health.
type Route struct {
	// Host is the host to send the request to, and to sign it for. It is the
	// host that was asked about if routing has nothing better.
	Host string
	// Fallback is where the same request may go if Host can't be reached; it
	// leads to the same endpoint. Empty: there is nothing to fall back to.
	Fallback string
	// Target is the kind of name that Host is.
	Target Target
	// Reason says why.
	Reason Reason
	// Cause is set once the request went to Fallback: what kept it from the
	// zonal name. Host, Target and Reason then tell of the second send.
	Cause Cause
	probe bool // this request finds out whether an ejected name works again
	// Observed is set in [Observe] mode only: the host that [Prefer] would have
	// put into Host, which then is the host that was asked about. Target and
	// Reason tell of Observed.
	Observed string

	entry *entry // of the table; nil in a Route that no resolver made
}

// Endpoint is the id of the interface endpoint that was chosen, or empty.
func (r Route) Endpoint() string {
	if r.entry == nil {
		return ""
	}
	return r.entry.info.id
}

// Service is the service's part of the chosen endpoint's names, such as "sqs", or
// empty.
func (r Route) Service() string {
	if r.entry == nil {
		return ""
	}
	return r.entry.info.service
}

// Zone is the name of the zone that a zonal name was looked for in, or empty.
func (r Route) Zone() string {
	if r.entry == nil {
		return ""
	}
	return r.entry.info.zone
}

// String describes the route for people:
//
//	sqs.us-east-1.amazonaws.com (Unmatched, NoEndpoint)
//	vpce-….vpce.amazonaws.com (Regional, FailedOver: connect)
func (r Route) String() string {
	host := r.Host
	if host == "" {
		host = "no host"
	}
	why := r.Reason.String()
	if r.Cause != NoCause {
		why += ": " + r.Cause.String()
	}
	switch {
	case r.Observed != "":
		return fmt.Sprintf("%s (observed: %s, %v, %s)", host, r.Observed, r.Target, why)
	case r.Fallback != "":
		return fmt.Sprintf("%s (%v, %s; fallback %s)", host, r.Target, why, r.Fallback)
	}
	return fmt.Sprintf("%s (%v, %s)", host, r.Target, why)
}

// Sent says that a request is about to be sent on the route. [Snapshot] and the
// metrics count it.
func (r Route) Sent() {
	if r.entry != nil {
		r.entry.info.counts.count(r.Reason, r.Cause)
	}
}

// Answered says that the route's host answered the request, with whatever is not a
// server's error. An answer of a route to the regional name counts, too, if the zonal
// name was an option: it shows that requests succeed elsewhere.
func (r Route) Answered() {
	h := r.health()
	switch {
	case h == nil:
	case r.Target == Regional:
		h.answeredElsewhere()
	case r.Target == Zonal:
		if host := h.host(r.Host); host != nil {
			host.answered(r.probe)
		}
		h.answered(r.probe)
	}
}

// Failed says that the route's host did not answer the request properly, and why.
// [NoCause] changes nothing. A failure of a route to the regional name counts only
// while the zonal name gives server errors: it shows that it is no better elsewhere.
func (r Route) Failed(cause Cause, err error) {
	h := r.health()
	switch {
	case h == nil || cause == NoCause:
	case r.Target == Regional:
		h.failedElsewhere(cause)
	case r.Target == Zonal:
		h.failed(r.Host, cause, err, r.probe)
	}
}

// Denied says that the policy of the route's endpoint denied the request, which the
// metrics count. It changes no name's health: a denial is an answer.
func (r Route) Denied() {
	if r.entry != nil {
		r.entry.info.counts.denials.Add(1)
	}
}

// health is that of the zonal name that the route leads to, or keeps away from for
// now, or nil. In Observe mode nothing is sent to either.
func (r Route) health() *health {
	if r.entry == nil || r.Observed != "" || r.entry.observed {
		return nil
	}
	return r.entry.health
}

// FailedOver is the route that a request takes when it is sent to r's fallback
// because of c: r itself if there is nothing to fall back to.
func (r Route) FailedOver(c Cause) Route {
	if r.Fallback == "" {
		return r
	}
	r.Host, r.Fallback = r.Fallback, ""
	r.Target, r.Reason, r.Cause, r.probe = Regional, FailedOver, c, false
	return r
}

// Proven reports whether somebody has connected to the zonal name in Host, or was
// answered by it. It is true of all other hosts.
func (r Route) Proven() bool {
	h := r.health()
	return h == nil || r.Target != Zonal || h.proven.Load()
}

// Untried is the route of a request that must not be the first to try the zonal
// name, since it can't be sent again if that doesn't exist: to the fallback, or r
// itself if there is none. A dialer then tries the name in the background.
func (r Route) Untried() Route {
	if r.Fallback == "" {
		return r
	}
	if h := r.health(); h != nil && r.Target == Zonal {
		h.tryOnce(r.Host)
	}
	r.Host, r.Fallback = r.Fallback, ""
	r.Target, r.Reason, r.probe = Regional, Untried, false
	return r
}

// Probe makes the request the half-open probe of the ejected zonal name that the
// route keeps away from, if one is due: it returns the route to that name, and the
// outcome brings the name back, or keeps it away for longer. Only one request at a
// time gets it; if nothing is heard of that for five seconds, another may. The
// request should be one that can be sent again.
//
// ok is false, and the route r itself, if the name is not ejected, no probe is due, or
// the name is tried in the background.
func (r Route) Probe() (route Route, ok bool) {
	h := r.health()
	if h == nil || r.Reason != Unhealthy || r.entry.shape != whole {
		return r, false
	}
	host := h.host(r.entry.zonal)
	if host != nil && host.ejected() {
		if !host.probeDue() || h.ejected() && !h.probeDue() || !host.takeProbe() {
			return r, false
		}
		if h.ejected() {
			h.takeProbe()
		}
	} else if !h.takeProbe() {
		return r, false
	}
	r = r.entry.primary
	r.probe = true
	return r, true
}
