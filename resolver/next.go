package resolver

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// NextRequest is where the next request for an endpoint goes, and why: the route that
// [Resolver.Resolve] has for it. Some requests go elsewhere: the one that probes an ejected name
// ([HealthState.HalfOpen]), and those that can't be sent twice to a name that nobody has
// connected to ([HealthState.Untried]).
type NextRequest struct {
	// Hosts are the service hosts that lead to the endpoint; "*." stands for what clients put
	// in front. There may be none: the endpoint is then used by its own name only.
	Hosts []string `json:",omitempty"`
	// InUse reports whether the next request goes to the zonal name.
	InUse bool
	// Target is the kind of name that it goes to, and Reason says why, as in a [Route].
	Target Target
	Reason Reason
	// Observed is the kind of name that [Prefer] would send it to, in [Observe] mode only.
	Observed Target `json:",omitempty"`
}

// served is the hosts that lead to each endpoint, and one of them.
type served map[*counts]servedBy

type servedBy struct {
	hosts []string
	at    int32 // in the index's hosts; 0: none
}

// served lists the hosts by the counts of their endpoint. Endpoints' own names are none.
func (t *table) served() served {
	s := served{}
	for i, h := range t.hosts {
		if i == 0 || h.shape == prefix || h.shape == whole && strings.Contains(h.name, ".vpce.") {
			continue
		}
		c := t.names.countsOf(*h.of)
		by := s[c]
		by.hosts = append(by.hosts, h.String())
		if by.at == 0 || h.shape == whole {
			by.at = int32(i)
		}
		s[c] = by
	}
	for _, by := range s {
		slices.SortFunc(by.hosts, func(a, b string) int {
			return cmp.Or(cmp.Compare(btoi(a[0] == '*'), btoi(b[0] == '*')), cmp.Compare(a, b))
		})
	}
	return s
}

// next is where the next request for an endpoint goes. One that no host leads to is asked
// for by its own name, if anybody has a reason to: it is a partner's, was learned that way,
// or was asked for before.
func (t *table) next(e endpoint.Endpoint, by servedBy, asked bool) NextRequest {
	if t.mode == Off {
		return NextRequest{Reason: SwitchedOff}
	}
	own, learned := t.learned.parents.get(bare(e.Regional))
	switch {
	case by.at > 0:
		own = t.entry(by.at)
	case learned:
	case asked, strings.HasPrefix(e.Service, "vpce-svc-"):
		own = t.whole(bare(e.Regional))
	}
	if own == nil {
		return NextRequest{Reason: NoEndpoint}
	}
	n := NextRequest{Hosts: by.hosts, Target: own.primary.Target, Reason: own.primary.Reason}
	if own.leaving() {
		n.Target, n.Reason = Regional, Unhealthy
	}
	if own.observed {
		n.Target, n.Observed = Unmatched, n.Target
	}
	n.InUse = n.Target == Zonal
	return n
}

// leaving is leave for those who only look.
func (e *entry) leaving() bool {
	if e.health == nil {
		return false
	}
	host := e.health.host(e.zonal)
	return host != nil && host.ejected() || e.health.leaving()
}

func (h *health) leaving() bool {
	at := h.gate.Load()
	return at > 0 || at < 0 && (!h.overdue(at) || h.checked.Load())
}
