package endpoint

import (
	"context"
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
// are routed without one.
//
// The list takes CloudFormation's spelling ("Z7HUB22UULQXV:vpce-…"), and all of
// an endpoint's DnsEntries joined: zonal names say which zones it has, and
// private DNS names (each belongs to the endpoint named before it) say that it
// has private DNS.
func Env() Source { return env{} }

type env struct{}

func (env) Immediate() bool { return true }

func (env) Endpoints(ctx context.Context) (Catalog, error) {
	cat, err := parseList(os.Getenv(EnvEndpoints))
	if err != nil {
		return Catalog{}, fmt.Errorf("%s: %w", EnvEndpoints, err)
	}
	if cat.ZoneNames, err = parseZoneNames(os.Getenv(EnvZoneNames)); err != nil {
		return Catalog{}, fmt.Errorf("%s: %w", EnvZoneNames, err)
	}
	for path := range strings.SplitSeq(os.Getenv(EnvEndpointsFile), ",") {
		if path = strings.TrimSpace(path); path == "" {
			continue
		}
		more, err := File(path).Endpoints(ctx)
		if err != nil {
			return Catalog{}, fmt.Errorf("%s: %w", EnvEndpointsFile, err)
		}
		cat.merge(more)
	}
	return cat, nil
}

// pendingZone stands in place of a hosted zone's id while private DNS is being
// set up (seen in DescribeVpcEndpoints' answers).
const pendingZone = "ZONEIDPENDING"

func parseList(list string) (Catalog, error) {
	var cat Catalog
	for entry := range strings.FieldsFuncSeq(list, isSeparator) {
		zoneID, dnsName, ok := strings.Cut(entry, ":")
		if !ok || !isHostedZone(zoneID) {
			zoneID, dnsName = "", entry
		}
		if isPrivate := !strings.Contains(dnsName, ".vpce."); isPrivate && len(cat.Endpoints) > 0 {
			e := &cat.Endpoints[len(cat.Endpoints)-1]
			n, err := split(e.Regional)
			if err != nil {
				return Catalog{}, err
			}
			if err := n.checkPrivate(dnsName); err != nil {
				return Catalog{}, fmt.Errorf("endpoint %s: %w", e.ID, err)
			}
			if zoneID != pendingZone {
				e.Hosts, e.PrivateDNS = append(e.Hosts, dnsName), true
			}
			continue
		}
		e, err := Parse(dnsName)
		if err != nil {
			return Catalog{}, err
		}
		cat.add(e)
	}
	return cat, nil
}

// add puts e in, or joins its zones with those of the same endpoint's entry.
// The last entry is the one that e went to.
func (c *Catalog) add(e Endpoint) {
	for i := range c.Endpoints {
		have := c.Endpoints[i]
		if bare(have.Regional) != bare(e.Regional) {
			continue
		}
		for zone, name := range e.Zonal {
			if have.Zonal == nil {
				have.Zonal = map[string]string{}
			}
			have.Zonal[zone] = name
		}
		c.Endpoints = append(append(c.Endpoints[:i:i], c.Endpoints[i+1:]...), have)
		return
	}
	c.Endpoints = append(c.Endpoints, e)
}

func isSeparator(r rune) bool { return r == ',' || unicode.IsSpace(r) }

func isHostedZone(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func parseZoneNames(list string) (map[string]string, error) {
	var names map[string]string
	for pair := range strings.FieldsFuncSeq(list, isSeparator) {
		id, zone, ok := strings.Cut(pair, "=")
		if !ok || !isLabel(id) || !isLabel(zone) {
			return nil, fmt.Errorf("endpoint: %s is not a zone ID and a zone name, such as use1-az6=us-east-1a", quote(pair))
		}
		if had, ok := names[id]; ok && had != zone {
			return nil, fmt.Errorf("endpoint: the zone %s has two names, %s and %s", id, had, zone)
		}
		if names == nil {
			names = map[string]string{}
		}
		names[id] = zone
	}
	return names, nil
}
