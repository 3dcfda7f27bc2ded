package resolver

import (
	"slices"
	"strings"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/internal/services"
)

// sdkHosts is the hosts that SDK clients resolve for the endpoint's service and
// that may be routed although no listing says so. Hosts under a dual-stack
// suffix, of all Regions or of FIPS may not: they need to be listed. An endpoint
// of a FIPS service of its own (kms-fips) is listed by its very label.
func sdkHosts(e *endpoint.Endpoint) (hosts []string, known bool) {
	_, suffix, _ := strings.Cut(e.Regional, ".vpce.")
	hosts, known = services.Hosts(e.Service, e.Region, suffix)
	return slices.DeleteFunc(hosts, func(name string) bool {
		front, isRegional := strings.CutSuffix(name, "."+e.Region+"."+suffix)
		return !isRegional || strings.Contains(front, "fips") && front != e.Service
	}), known
}

// unrouted says of the endpoints that no host leads to, and of those that a host
// leads to by guess alone, that it is so: otherwise a misspelt or unknown
// service would look as if it were used. hosts are those of all endpoints.
func unrouted(endpoints []*endpoint.Endpoint, hosts []host, of *notes) {
	routed := make(map[*endpoint.Endpoint]bool, len(endpoints))
	for _, h := range hosts {
		routed[h.of] = true
	}
	for _, e := range endpoints {
		if strings.HasPrefix(e.Service, "vpce-svc-") {
			continue // of which nobody expects it
		}
		if !routed[e] {
			of.add("%s: no host of an SDK client leads to %s: not used%s", e.ID, e.Service, unlessListed(e))
		} else if len(e.Hosts) == 0 {
			if byRule, known := sdkHosts(e); !known {
				of.add("%s: no SDK client is known for %s: used for %s only", e.ID, e.Service, strings.Join(byRule, ", "))
			}
		}
	}
}

// unlessListed names the hosts of SDK clients that would be routed if the
// endpoint listed them.
func unlessListed(e *endpoint.Endpoint) string {
	_, suffix, _ := strings.Cut(e.Regional, ".vpce.")
	hosts, known := services.Hosts(e.Service, e.Region, suffix)
	hosts = slices.DeleteFunc(hosts, func(name string) bool { return neverRewritten(name, e) })
	if !known || len(hosts) == 0 {
		return ""
	}
	return ", unless " + strings.Join(hosts, " or ") + " is among its private DNS names"
}
