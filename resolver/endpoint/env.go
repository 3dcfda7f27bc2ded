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
// an endpoint's DnsEntries joined: zonal names say which zones it has, and
// private DNS names (each belongs to the endpoint named before it) say that it
// has private DNS.
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

func parseList(list string) (Catalog, error) {
	var cat Catalog
	at := map[string]int{} // regional name -> where it is in cat
	last := -1
	for entry := range strings.FieldsFuncSeq(list, isSeparator) {
		hostedZone, dnsName, ok := strings.Cut(entry, ":")
		if !ok || !isHostedZone(hostedZone) {
			hostedZone, dnsName = "", entry
		}
		if last >= 0 && !strings.Contains(dnsName, ".vpce.") {
			if err := cat.Endpoints[last].addListed(dnsName, hostedZone); err != nil {
				return Catalog{}, err
			}
			continue
		}
		n, err := split(dnsName)
		if err != nil {
			return Catalog{}, err
		}
		e := n.endpoint()
		if last, ok = at[bare(e.Regional)]; ok {
			cat.Endpoints[last].fill(e)
			continue
		}
		last = len(cat.Endpoints)
		at[bare(e.Regional)] = last
		cat.Endpoints = append(cat.Endpoints, e)
	}
	return cat.normalize()
}

// addListed adds what isn't a vpce name: it has to be a private DNS name of e,
// which is the endpoint named before it.
func (e *Endpoint) addListed(dnsName, hostedZone string) error {
	n, err := split(e.Regional)
	if err != nil {
		return err
	}
	if why := n.privateFault(dnsName); why != "" {
		return fmt.Errorf(`%s has no ".vpce." in it, and is no private DNS name of %s, which stands before it: %s`, quote(dnsName), e.ID, why)
	}
	e.addHost(dnsName, hostedZone)
	return nil
}

func isSeparator(r rune) bool { return r == ',' || unicode.IsSpace(r) }

func isHostedZone(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func parseZoneNames(list string) (map[string]string, error) {
	var names map[string]string
	for pair := range strings.FieldsFuncSeq(list, isSeparator) {
		id, zone, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%s is not a zone ID and a zone name, such as use1-az6=us-east-1a", quote(pair))
		}
		if err := addZone(&names, id, zone); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// addZone puts a zone of one source in, which may not contradict itself.
func addZone(names *map[string]string, id, name string) error {
	if err := checkZone(id, name); err != nil {
		return err
	}
	if had, ok := (*names)[id]; ok && had != name {
		return fmt.Errorf("the zone %s has two names, %s and %s: want one account's", id, had, name)
	}
	if *names == nil {
		*names = map[string]string{}
	}
	(*names)[id] = name
	return nil
}
