package resolver

// entry is the routes of one host, or of all hosts below a parent. A parent's lacks
// what the host has in front, and the host itself, for which an empty name stands.
type entry struct {
	info     *endpointInfo
	health   *health // nil if there is no zonal name to use
	shape    shape   // of a parent
	observed bool    // in Observe mode
	zonal    string  // the host's name in the zone
	regional string  // where requests go instead
	primary  Route   // what the rules choose, if nothing is ejected
}

// endpointInfo is what the routes by one endpoint have in common.
type endpointInfo struct {
	id, service, zone string
	counts            *counts
}

// keep is at for an entry that stays: its routes can be probes.
func (e *entry) keep(asked, front string) *entry {
	kept := e.at(asked, front)
	return kept.kept()
}

func (e *entry) kept() *entry {
	kept := *e
	kept.shape, kept.primary.entry = whole, &kept
	return &kept
}

// at is a parent's entry made that of the host asked, which has front, with its dot,
// before the parent. Its routes refer to the parent's until the entry is kept.
func (e *entry) at(asked, front string) entry {
	full := *e
	switch {
	case e.regional == "":
		full.regional = asked
		if e.zonal != "" {
			full.zonal = front + e.zonal
		}
	case e.zonal == "":
		full.regional = front + e.regional
	default: // both names in one allocation
		both := front + e.zonal + front + e.regional
		n := len(front) + len(e.zonal)
		full.zonal, full.regional = both[:n], both[n:]
	}
	r := &full.primary
	r.entry = e
	r.Host = full.regional
	if full.zonal != "" {
		r.Host, r.Fallback = full.zonal, full.regional
	}
	if full.observed && r.Host != asked {
		r.Observed, r.Host, r.Fallback = r.Host, asked, ""
	}
	return full
}

// plain reports whether nothing has to be looked at: the request takes the primary
// route. It is small enough to be inlined.
func (e *entry) plain() bool {
	return e.health == nil || e.health.gate.Load() == 0 && e.health.names.hosts.Load() == nil
}

// choose takes the route by what the zonal name has been doing.
func (e *entry) choose() Route {
	if e.plain() || !e.leave() {
		return e.primary
	}
	if e.shape != whole {
		e = e.kept() // it may become a probe
	}
	r := e.primary
	r.Fallback, r.Target, r.Reason = "", Regional, Unhealthy
	switch {
	case r.Observed == "":
		r.Host = e.regional
	case e.regional == r.Host:
		r.Observed = ""
	default:
		r.Observed = e.regional
	}
	return r
}

func (e *entry) leave() bool {
	host := e.health.host(e.zonal)
	return host != nil && host.ejected() || e.health.leave()
}
