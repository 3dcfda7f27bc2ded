package resolver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// FuzzCatalog has any endpoints and any host meet: what comes out is what went in, or lies
// under the names of the endpoint that the route names, with the labels that were in front.
func FuzzCatalog(f *testing.F) {
	s3Hosts := "s3" + region + " *.s3" + region + " *.s3-accesspoint" + region + " *.s3-control" + region
	for _, host := range []string{
		"sqs" + region, "photos.s3" + region, "s3" + region, accountID + ".s3-control" + region, "r-" + accountID + ".s3-accesspoint" + region,
		accountID + ".ddb" + region, "photos.bucket." + regional("s3"), "x." + regional("sqs"), zonal("sqs"), "A.s3" + region + ".", "-.s3" + region,
	} {
		f.Add("sqs", "sqs"+region, "s3", s3Hosts, "us-east-1a", host, true)
		f.Add("s3", "", "dynamodb", "", "us-east-1a", host, false)
	}
	f.Add("a.b", "*.s3.us-east-1.api.aws", "s3", "*.s3.dualstack"+region, "eu-west-1a", "photos.s3.dualstack"+region, true)
	f.Fuzz(func(t *testing.T, service, hosts, service2, hosts2, zoneName, asked string, private bool) {
		catalog := []endpoint.Endpoint{
			{Regional: numbered(1), Hosts: strings.Fields(hosts), PrivateDNS: private},
			{Regional: numbered(2), Hosts: strings.Fields(hosts2)},
		}
		for i, s := range []string{service, service2} {
			catalog[i].Regional = strings.NewReplacer(".sqs.", "."+s+".", "60718", fmt.Sprintf("6071%d", i)).Replace(catalog[i].Regional)
		}
		known, err := endpoint.Catalog{Endpoints: catalog}.Normalize()
		if err != nil || zoneName == "" {
			return
		}
		r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: zoneName})), resolver.WithEndpoints(endpoint.Static(catalog...)))
		if err != nil {
			return // no zone
		}
		defer r.Close()
		for _, asked := range append(strings.Fields(strings.ReplaceAll(hosts+" "+hosts2, "*.", "photos.")), asked, asked+region, "photos."+catalog[0].Regional) {
			route, again := r.Resolve(asked), r.Resolve(asked)
			if again != route {
				t.Fatalf("%q: got %v, then %v", asked, route, again)
			}
			for _, name := range []string{route.Host, route.Fallback} {
				if why := strange(name, asked, route, known.Endpoints, zoneName); why != "" {
					t.Errorf("%q with %+v: got %v: %s: %s", asked, catalog, route, name, why)
				}
			}
			r.SetMode(resolver.Observe)
			if got := r.Resolve(asked); got.Host != asked || got.Fallback != "" {
				t.Errorf("%q, observed: got %v", asked, got)
			}
			r.SetMode(resolver.Prefer)
		}
	})
}

// strange says what is wrong with a name that a route has for the host.
func strange(name, asked string, route resolver.Route, endpoints []endpoint.Endpoint, zoneName string) string {
	if name == asked || name == "" && route.Host != "" {
		return ""
	}
	asked = strings.ToLower(strings.TrimSuffix(asked, "."))
	if name == asked {
		return ""
	}
	if len(name) > 253 {
		return "it is too long"
	}
	e, ok := endpointOf(route, asked, endpoints)
	if !ok {
		return fmt.Sprintf("no endpoint is %s", route.Endpoint())
	}
	front, ok := cutName(name, e, zoneName)
	if !ok {
		return "it isn't under a name of the endpoint"
	}
	for _, infix := range []string{"bucket.", "accesspoint.", "control.", ""} {
		kept, ok := strings.CutSuffix(front, infix)
		if !ok || infix != "" && e.Service != "s3" {
			continue
		}
		rest, ok := strings.CutPrefix(asked, kept)
		account, below, _ := strings.Cut(rest, ".")
		switch {
		case !ok || kept != "" && !strings.HasSuffix(kept, "."):
		case isHostOf(rest, e), (e.Service == "dynamodb" || e.Service == "kinesis") && len(account) == 12 && isHostOf(below, e):
			return ""
		}
	}
	return "it has other labels in front than the host"
}

// endpointOf is the endpoint of the route: a listed one, or what the host itself says.
func endpointOf(route resolver.Route, asked string, endpoints []endpoint.Endpoint) (endpoint.Endpoint, bool) {
	for _, e := range endpoints {
		if e.ID == route.Endpoint() && e.Service == route.Service() {
			return e, true
		}
	}
	_, name, _ := strings.Cut("."+asked, ".vpce-")
	e, err := endpoint.Parse("vpce-" + name)
	return e, err == nil
}

// cutName is what a name has in front of the endpoint's own.
func cutName(name string, e endpoint.Endpoint, zoneName string) (front string, ok bool) {
	own := []string{e.Regional}
	if zonal, ok := e.ZonalName(zoneName); ok {
		own = append(own, zonal)
	}
	for _, n := range own {
		front, ok = strings.CutSuffix(name, strings.TrimPrefix(n, "*."))
		if ok && (front == "" || strings.HasSuffix(front, ".")) {
			return front, true
		}
	}
	return "", false
}

// isHostOf reports whether a host is the endpoint's to serve: it is listed, its own name,
// or in its Region.
func isHostOf(host string, e endpoint.Endpoint) bool {
	for _, h := range append([]string{e.Regional}, e.Hosts...) {
		if host == strings.TrimPrefix(h, "*.") {
			return true
		}
	}
	_, suffix, _ := strings.Cut(e.Regional, ".vpce.")
	label, ok := strings.CutSuffix(host, "."+e.Region+"."+suffix)
	return ok && label != "" && strings.Count(label, ".") <= strings.Count(e.Service, ".")+1
}
