package main

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// exam is one endpoint, and what was seen of it.
type exam struct {
	ID       string   `json:"id"`
	Service  string   `json:"service"`
	Region   string   `json:"region"`
	Verdict  verdict  `json:"verdict"`
	CallsTo  string   `json:"calls_go_to"` // where the calls of a program with azaffinity go from here, in words
	Reason   string   `json:"reason"`      // why azaffinity sends requests where it does
	Zonal    *probe   `json:"zonal,omitempty"`
	Regional *probe   `json:"regional,omitempty"`
	Hosts    []lookup `json:"hosts,omitempty"`

	Findings []finding `json:"findings"`

	endpoint endpoint.Endpoint
	route    resolver.Route
	zone     string // as the endpoints' owner calls it
}

// verdict is what an endpoint's names are good for, in a word.
type verdict string

const (
	inZone      verdict = "zonal"       // the name in the zone is well
	failing     verdict = "failing"     // it takes requests, and answers none as it should; other zones do
	elsewhere   verdict = "regional"    // no request can be sent in the zone, or azaffinity wouldn't; other zones are well
	broken      verdict = "unreachable" // neither name can be used
	leftAside   verdict = "left aside"  // azaffinity doesn't use the endpoint
	notExamined verdict = "not checked" // the time was up
)

// callsTo is where calls go, in azaffinity's mode here. What can't be sent in the zone fails over within its call. What was sent, and was
// not answered, counts against the zonal name: some calls are lost before the others leave the zone.
func (x *exam) callsTo(mode resolver.Mode) string {
	switch {
	case x.Verdict == leftAside, x.Verdict == notExamined:
		return string(x.Verdict)
	case mode != resolver.Prefer && !slices.ContainsFunc(x.Hosts, x.leadsHere):
		return "past the endpoint"
	case x.Verdict == broken:
		return "no zone that answers"
	case mode != resolver.Prefer && x.Zonal != nil && x.Verdict != inZone && x.Zonal.result().passed(stepConnect):
		return "all zones, this one too" // net/http takes the next address only if it can't connect
	case mode != resolver.Prefer && (x.Zonal == nil || x.Verdict == inZone):
		return "all zones"
	case x.Verdict == inZone:
		return "the zone"
	case x.Verdict == failing:
		return "the zone, then others"
	case x.Zonal != nil, x.route.Reason == resolver.NotInZone:
		return "other zones"
	}
	return "all zones"
}

// lookup is where one of the service's own hosts leads.
type lookup struct {
	Host      string       `json:"host"`
	Addresses []netip.Addr `json:"addresses,omitempty"`
	Error     string       `json:"error,omitempty"`
	err       error
}

// newExam says what is to be examined: which of the endpoint's names azaffinity would use.
func newExam(r *resolver.Resolver, zone string, e endpoint.Endpoint) *exam {
	x := &exam{ID: e.ID, Service: e.Service, Region: e.Region, Verdict: notExamined, Findings: []finding{}, endpoint: e, zone: zone}
	for _, host := range hostsOf(e) {
		if route := r.Resolve(host); route.Endpoint() == e.ID && x.route.Endpoint() == "" {
			x.route = route
		}
	}
	x.Reason = x.route.Reason.String()
	if !x.used() {
		x.Verdict = leftAside
		return x
	}
	x.Regional = &probe{Name: sample(e.Regional)}
	if x.route.Target == resolver.Zonal {
		zonal, _ := e.ZonalName(zone)
		x.Zonal = &probe{Name: sample(zonal)}
	}
	return x
}

// used reports whether requests of any SDK client go to the endpoint.
func (x *exam) used() bool { return x.route.Endpoint() != "" && x.route.Reason != resolver.FreePath }

// hostsOf is what SDK clients resolve for the endpoint's service. Wildcards stand for hosts that can't be guessed.
func hostsOf(e endpoint.Endpoint) []string {
	hosts := slices.DeleteFunc(slices.Clone(e.Hosts), func(h string) bool { return strings.HasPrefix(h, "*.") })
	if len(hosts) > 0 {
		return hosts
	}
	_, suffix, _ := strings.Cut(e.Regional, ".vpce.")
	for _, service := range []string{e.Service, irregular[e.Service]} {
		if service != "" {
			hosts = append(hosts, service+"."+e.Region+"."+suffix)
		}
	}
	return hosts
}

// irregular has the services whose host isn't spelled as their endpoint's names are.
var irregular = map[string]string{"data.iot": "data-ats.iot"}

// sample is a name that can be looked up: S3's begin with a star.
func sample(name string) string {
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		return "bucket." + rest
	}
	return name
}

// run examines the endpoint, unless the context ends before: then the verdict stays what it was.
func (x *exam) run(ctx context.Context, n *network) {
	if !x.used() {
		return
	}
	var all sync.WaitGroup
	if x.Zonal != nil {
		all.Go(func() { x.Zonal = n.probe(ctx, x.Zonal.Name) })
	}
	all.Go(func() { x.Regional = n.probe(ctx, x.Regional.Name) })
	hosts := hostsOf(x.endpoint)
	x.Hosts = make([]lookup, len(hosts))
	for i, host := range hosts {
		all.Go(func() {
			x.Hosts[i] = lookup{Host: host}
			if x.Hosts[i].Addresses, x.Hosts[i].err = n.lookupIn(ctx, host); x.Hosts[i].err != nil {
				x.Hosts[i].Error = x.Hosts[i].err.Error()
			}
		})
	}
	all.Wait()
	if isOver(ctx) {
		return
	}
	switch {
	case x.Zonal.well():
		x.Verdict = inZone
	case !slices.ContainsFunc(x.others(), address.well):
		x.Verdict = broken
	case x.Zonal != nil && x.Zonal.result().passed(stepCertificate):
		x.Verdict = failing
	default:
		x.Verdict = elsewhere
	}
}

// probes are those that there are.
func (x *exam) probes() []*probe {
	return slices.DeleteFunc([]*probe{x.Zonal, x.Regional}, func(p *probe) bool { return p == nil })
}

// others are the addresses of the regional name that aren't the zonal one's.
func (x *exam) others() []address {
	return slices.DeleteFunc(slices.Clone(x.Regional.Addresses), func(a address) bool { return !x.isOther(a) })
}

func (x *exam) isOther(a address) bool {
	return x.Zonal == nil || !slices.ContainsFunc(x.Zonal.Addresses, func(own address) bool { return own.Addr == a.Addr })
}
