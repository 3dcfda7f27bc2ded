package endpoint

import (
	"fmt"
	"strings"
)

// entries are the DNS names of one endpoint as AWS lists them (DnsEntries), in any
// order: the regional name, zonal ones and private ones. A file, EC2 and the
// environment are all read through it.
type entries struct {
	regional *name // nil: not among them
	zonal    []name
	hosts    []string
	has      map[string]bool // the hosts
	pending  bool            // private DNS is being set up
}

// isEndpointName reports whether the name is one of an endpoint's own, and not a
// private DNS name.
func isEndpointName(dnsName string) bool { return strings.Contains(dnsName, ".vpce.") }

func (s *entries) addName(n name) {
	switch {
	case n.zone != "":
		if s.zonal == nil {
			s.zonal = make([]name, 0, usualZones)
		}
		s.zonal = append(s.zonal, n)
	case s.regional == nil || s.regional.star == "" && n.star != "":
		s.regional = &n
	}
}

// usualZones is how many zones most Regions have at most.
const usualZones = 6

// addHost adds a private DNS name. While one of them is being set up, none is
// relied on.
func (s *entries) addHost(host, hostedZone string) {
	s.pending = s.pending || hostedZone == pendingZone
	if len(s.hosts) > 0 { // most have one
		if s.has == nil {
			s.has = map[string]bool{s.hosts[0]: true}
		}
		if s.has[host] {
			return
		}
		s.has[host] = true
	}
	s.hosts = append(s.hosts, host)
}

// pendingZone stands in place of a hosted zone's id while private DNS is being
// set up (seen in DescribeVpcEndpoints' answers).
const pendingZone = "ZONEIDPENDING"

// endpoint is the endpoint with these names. The zones are known if the regional
// name is among the names: then they are all there. One zonal name alone is what
// is left when somebody takes the first of a list that has no order.
func (s *entries) endpoint() Endpoint {
	var e Endpoint
	n := s.regional
	if n == nil {
		n = &s.zonal[0]
	}
	e = Endpoint{ID: n.id, Service: n.service, Region: n.region, Regional: n.regional()}
	for _, z := range s.zonal {
		if s.regional == nil || !z.sameEndpoint(*n) {
			continue
		}
		if e.Zonal == nil {
			e.Zonal = make(map[string]string, len(s.zonal))
		}
		e.Zonal[z.zone] = z.dnsName
	}
	if !n.partner() { // no SDK client resolves a partner's private names, whatever they are
		e.Hosts = s.hosts
	}
	e.PrivateDNS = e.Hosts != nil && !s.pending
	return e
}

// listed reads one endpoint of a listing by AWS. What is odd about single names is
// in faults, and the endpoint goes without them; err says why there is no endpoint.
func listed(dnsEntries []DNSEntry) (e Endpoint, faults notes, err error) {
	var all entries
	odd, known := "", true // a name of another form, and whether all of those are AWS's
	for _, entry := range dnsEntries {
		if !isEndpointName(entry.DNSName) {
			all.addHost(entry.DNSName, entry.HostedZoneID)
			continue
		}
		n, err := split(entry.DNSName)
		if err != nil {
			// Multi-Region access points: vpce-….s3-global.vpce.amazonaws.com.
			odd, known = entry.DNSName, known && isAWSName(entry.DNSName)
			faults.add("%v", err)
			continue
		}
		all.addName(n)
	}
	switch {
	case all.regional == nil && odd != "" && known:
		return Endpoint{}, nil, unusable("its name " + quote(odd) + " is not made of an id, a service and a Region")
	case all.regional == nil && len(faults) > 0:
		return Endpoint{}, nil, fmt.Errorf("it has no regional name: %s", faults[0])
	case all.regional == nil:
		return Endpoint{}, nil, fmt.Errorf("it has no regional name under .vpce. among its DNS names, but %s", quote(dnsEntries[0].DNSName))
	}
	if !all.regional.partner() {
		good := all.hosts[:0]
		for _, host := range all.hosts {
			if why := all.regional.privateFault(host); why != "" {
				faults.add("its private DNS name %s can't be one: %s", quoted(host), why)
				continue
			}
			good = append(good, host)
		}
		if all.hosts = good; len(good) == 0 {
			all.hosts = nil
		}
	}
	e = all.endpoint()
	if e.Zonal == nil {
		// AWS's listing is complete, and an endpoint to a service in another Region
		// has no zonal names.
		e.Zonal = map[string]string{}
	}
	return e, faults, nil
}

// unusable says why an endpoint can't be used although nothing is wrong with it.
type unusable string

func (u unusable) Error() string { return string(u) }
