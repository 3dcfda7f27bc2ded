package endpoint

import (
	"fmt"
	"os"
	"strings"
	"unicode"
)

// The environment variables that [Env] reads.
const (
	// EnvEndpoints lists endpoints by hand: their regional names, separated by
	// commas or white space.
	EnvEndpoints = "AZAFFINITY_ENDPOINTS"
	// EnvEndpointsFile names a file for [File]; several are separated by commas.
	EnvEndpointsFile = "AZAFFINITY_ENDPOINTS_FILE"
	// EnvZoneNames maps zone IDs to the zone names of the account that owns the
	// endpoints: "use1-az6=us-east-1a,use1-az1=us-east-1b".
	EnvZoneNames = "AZAFFINITY_ZONE_NAMES"
)

// Env returns a source that reads AZAFFINITY_ENDPOINTS,
// AZAFFINITY_ENDPOINTS_FILE and AZAFFINITY_ZONE_NAMES, each time it is asked.
// None of them needs to be set: an empty catalogue is an answer, and clients
// that were given a regional name by the SDK's own AWS_ENDPOINT_URL_<SERVICE>
// are routed without one. What several of them say is joined as by [Join], with
// what is written by hand first.
//
// The list takes CloudFormation's spelling ("Z7HUB22UULQXV:vpce-…"), and all of
// an endpoint's DnsEntries joined, in any order. Zonal names say which zones the
// endpoint has, if its regional name is listed as well; private DNS names say that
// it has private DNS.
func Env() Source { return local{"environment", readEnv} }

func readEnv() (Catalog, error) {
	wrong := func(variable string, err error) (Catalog, error) {
		return Catalog{}, fmt.Errorf("endpoint: %s: %w", variable, err)
	}
	byHand, err := parseList(os.Getenv(EnvEndpoints))
	if err != nil {
		return wrong(EnvEndpoints, err)
	}
	if byHand.ZoneNames, err = parseZoneNames(os.Getenv(EnvZoneNames)); err != nil {
		return wrong(EnvZoneNames, err)
	}
	all := []Catalog{byHand}
	for path := range strings.SplitSeq(os.Getenv(EnvEndpointsFile), ",") {
		if path = strings.TrimSpace(path); path == "" {
			continue
		}
		cat, err := readFile(path)
		if err != nil {
			return wrong(EnvEndpointsFile, err)
		}
		all = append(all, cat)
	}
	return merge(all...), nil
}

// parseList reads a list that somebody wrote: what can't be right in it is an error.
func parseList(list string) (Catalog, error) {
	var l handwritten
	for entry := range strings.FieldsFuncSeq(list, isSeparator) {
		hostedZone, dnsName, ok := strings.Cut(entry, ":")
		if !ok || !isHostedZone(hostedZone) {
			hostedZone, dnsName = "", entry
		}
		if err := l.add(dnsName, hostedZone); err != nil {
			return Catalog{}, err
		}
	}
	return l.catalog()
}

// handwritten is a list of DNS names of several endpoints.
type handwritten struct {
	endpoints []*entries
	names     []name         // one of each endpoint
	at        map[string]int // regional name -> its index in endpoints
	last      int            // the endpoint that was named last, or none
	hosts     []ownerless
}

// ownerless is a private DNS name before it is known whose it is.
type ownerless struct {
	host, hostedZone string
	before, after    int // the endpoints named before and after it, or none
}

const none = -1

func (l *handwritten) add(dnsName, hostedZone string) error {
	if l.at == nil {
		l.at, l.last = map[string]int{}, none
	}
	if !isEndpointName(dnsName) {
		l.hosts = append(l.hosts, ownerless{dnsName, hostedZone, l.last, none})
		return nil
	}
	n, err := split(dnsName)
	if err != nil {
		return err
	}
	i, ok := l.at[bare(n.regional())]
	if !ok {
		i = len(l.endpoints)
		l.at[bare(n.regional())] = i
		l.endpoints, l.names = append(l.endpoints, &entries{}), append(l.names, n)
	}
	l.endpoints[i].addName(n)
	l.last = i
	for h := len(l.hosts) - 1; h >= 0 && l.hosts[h].after < 0; h-- {
		l.hosts[h].after = i
	}
	return nil
}

func (l *handwritten) catalog() (Catalog, error) {
	for _, h := range l.hosts {
		owner, err := l.ownerOf(h)
		if err != nil {
			return Catalog{}, err
		}
		l.endpoints[owner].addHost(h.host, h.hostedZone)
	}
	var cat Catalog
	for _, e := range l.endpoints {
		cat.Endpoints = append(cat.Endpoints, e.endpoint())
	}
	return merge(cat), nil
}

// ownerOf is the endpoint that a private DNS name belongs to: the one whose
// service the name begins with, else the one named before it, as AWS lists them,
// else the one after it. Of two neighbours of which one is a partner's it is the
// partner's, since that has no consequence.
func (l *handwritten) ownerOf(h ownerless) (int, error) {
	owner, by := -1, 0
	why := ""
	for i, n := range l.names {
		adjacent := i == h.before || i == h.after
		fault := n.privateFault(h.host)
		if n.partner() && isHost(bare(h.host)) {
			fault = "" // it is not looked at
		}
		if fault != "" {
			if why == "" || i == h.before {
				why = fmt.Sprintf("it isn't a private DNS name of %s: %s", n.id, fault)
			}
			continue
		}
		score := 1
		switch {
		case n.serves(h.host) && adjacent:
			score = 6
		case n.serves(h.host):
			score = 5
		case n.partner() && adjacent:
			score = 4
		case i == h.before:
			score = 3
		case adjacent:
			score = 2
		}
		if score > by {
			owner, by = i, score
		}
	}
	switch {
	case owner >= 0:
		return owner, nil
	case why != "":
		return -1, fmt.Errorf(`%s has no ".vpce." in it, and %s`, quote(h.host), why)
	}
	_, err := split(h.host)
	return -1, err
}

// serves reports whether a private DNS name begins with the service's part of the
// endpoint's names: "sqs.us-east-1.api.aws", "monitoring-fips.us-east-1.amazonaws.com",
// "dkr-ecr.us-east-1.on.aws".
func (n name) serves(host string) bool {
	rest := bare(host)
	for _, service := range []string{n.service, strings.ReplaceAll(n.service, ".", "-")} {
		if after, ok := strings.CutPrefix(rest, service); ok && (strings.HasPrefix(after, ".") || strings.HasPrefix(after, "-fips.")) {
			return true
		}
	}
	return n.service == "s3" && strings.HasPrefix(rest, "s3-")
}

func isSeparator(r rune) bool { return r == ',' || unicode.IsSpace(r) }

func isHostedZone(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func parseZoneNames(list string) (map[string]string, error) {
	var zones zoneMap
	for pair := range strings.FieldsFuncSeq(list, isSeparator) {
		id, zone, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%s is not a zone ID and a zone name, such as use1-az6=us-east-1a", quote(pair))
		}
		if err := checkZone(id, zone); err != nil {
			return nil, err
		}
		if err := zones.add(id, zone); err != nil {
			return nil, err
		}
	}
	return zones.names, nil
}
