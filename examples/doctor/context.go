package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// problemOf and adviceOf are findings about no single endpoint.
func problemOf(code, what, do string) []finding { return []finding{{code, problem, what, do, ""}} }
func adviceOf(code, what, do string) []finding  { return []finding{{code, advice, what, do, ""}} }

// judgeZone reports a zone that isn't known, or not as the endpoints' owner knows it.
func judgeZone(catalog endpoint.Catalog, z zone.Zone, err error) []finding {
	owners, mapped := catalog.ZoneNames[z.ID]
	switch {
	case err != nil && strings.Contains(err.Error(), "hop limit"):
		return problemOf("hop-limit", "the zone is not known: "+oneLine(err),
			"aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id ..., or set AZAFFINITY_ZONE")
	case err != nil:
		return problemOf("no-zone", "the zone is not known: "+oneLine(err), "set AZAFFINITY_ZONE, or make one of these sources answer")
	case z.Name == "" && !mapped:
		return problemOf("zone-unnamed", "of the zone only the ID is known, "+z.ID+", and endpoints' names are made with zones' names",
			"set "+endpoint.EnvZoneNames+", or add what aws ec2 describe-availability-zones prints to the endpoints file")
	case mapped && z.Name != "" && z.Name != owners:
		return adviceOf("letters", fmt.Sprintf("the zone %s is %s here, and %s for the endpoints' owner", z.ID, z.Name, owners),
			"nothing: the owner's letter is used, as it should be")
	}
	return nil
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// judgeMode reports that azaffinity is switched off.
func judgeMode(s string) []finding {
	if s == "" {
		return nil
	}
	switch mode, err := resolver.ParseMode(s); {
	case err != nil:
		return problemOf("mode", resolver.EnvMode+": "+err.Error(), "set it to prefer, observe or off, or leave it out")
	case mode != resolver.Prefer:
		return adviceOf("mode", resolver.EnvMode+" is "+s+": calls go where they would go without azaffinity", "set it to prefer to have them stay in the zone")
	}
	return nil
}

// judgeProxy reports a proxy that would carry zonal names. Calls are matched against NO_PROXY by the host that they are
// sent to, and a list that was made for the services' own hosts doesn't have these.
func judgeProxy(exams []*exam) []finding {
	proxyOf := httpproxy.FromEnvironment().ProxyFunc()
	by := func(host string) *url.URL {
		proxy, _ := proxyOf(&url.URL{Scheme: "https", Host: host}) // the error is of a URL that no client can use
		return proxy
	}
	var services, domains []string
	var through *url.URL
	exempt := false
	for _, x := range exams {
		if !x.used() {
			continue
		}
		name := x.probes()[0].Name
		proxy := by(name)
		if proxy == nil {
			continue
		}
		through = proxy
		services = append(services, x.Service)
		_, suffix, _ := strings.Cut(name, ".vpce.")
		if domain := ".vpce." + suffix; !slices.Contains(domains, domain) {
			domains = append(domains, domain)
		}
		exempt = exempt || slices.ContainsFunc(hostsOf(x.endpoint), func(host string) bool { return by(host) == nil })
	}
	if through == nil {
		return nil
	}
	what := "HTTPS_PROXY (" + through.Redacted() + ") would carry calls to the endpoints for " + strings.Join(services, ", ")
	if exempt {
		what += ": NO_PROXY has the services' own hosts, and not the endpoints' names"
	}
	return problemOf("proxy", what, "add "+strings.Join(domains, ",")+" to NO_PROXY")
}
