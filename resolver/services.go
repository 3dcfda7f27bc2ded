package resolver

import (
	"slices"
	"strings"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// host is a service host, or the parent of such hosts, that an endpoint serves.
type host struct {
	name  string
	shape shape
	infix string // S3's: what stands in the star's place
	of    endpoint.Endpoint
}

// hostsOf lists the service hosts of all endpoints. Of two endpoints with the
// same host, the one whose own service has it comes first, so that nothing in a
// catalogue can take the requests of a service away from its endpoint; beyond
// that the endpoints' order stands.
func hostsOf(endpoints []endpoint.Endpoint) []host {
	var own, others []host
	for _, e := range endpoints {
		if strings.HasPrefix(e.Service, "vpce-svc-") {
			continue // no SDK client resolves hosts of somebody else's service
		}
		derived := derivedHosts(e)
		listed := listedHosts(e)
		for _, h := range derived {
			// What AWS lists for the endpoint is better than what we derive.
			isListed := slices.ContainsFunc(listed, func(l host) bool { return l.name == h.name })
			if h.shape != whole || len(listed) == 0 || isListed || e.Service == "s3" {
				own = append(own, h)
			}
		}
		others = append(others, listed...)
	}
	return append(own, others...)
}

// derivedHosts is what the SDK resolves for the endpoint's service: usually the
// service's part of the vpce name, the Region and the DNS suffix. The irregular
// ones were taken from the hosts that SDK clients resolve.
func derivedHosts(e endpoint.Endpoint) []host {
	_, suffix, _ := strings.Cut(e.Regional, ".vpce.")
	at := func(service string, s shape, infix string) host {
		return host{name: service + "." + e.Region + "." + suffix, shape: s, infix: infix, of: e}
	}
	var hosts []host
	switch e.Service {
	case "s3":
		hosts = []host{
			at("s3", whole, "bucket"), // path style, ListBuckets
			at("s3", bucket, "bucket"),
			at("s3-accesspoint", accessPoint, "accesspoint"),
			at("s3-control", control, "control"),
		}
	case "dynamodb":
		// Credentials that carry an account id turn on account-based endpoints.
		hosts = []host{at("dynamodb", whole, ""), at("ddb", account, "")}
	case "kinesis":
		hosts = []host{at("kinesis", whole, ""), at("data-kinesis", account, ""), at("control-kinesis", account, "")}
	case "data.iot":
		hosts = []host{at("data-ats.iot", whole, ""), at("data.ats.iot", whole, "")} // the latter in China
	default:
		hosts = []host{at(e.Service, whole, "")}
	}
	return slices.DeleteFunc(hosts, func(h host) bool { return neverRewritten(h.name, e) })
}

// listedHosts is the endpoint's private DNS names that can be routed by. A
// wildcard can't: what becomes of the label it stands for is only known for the
// services above.
func listedHosts(e endpoint.Endpoint) []host {
	var hosts []host
	for _, name := range e.Hosts {
		if strings.HasPrefix(name, "*.") || neverRewritten(name, e) {
			continue
		}
		h := host{name: name, of: e}
		if e.Service == "s3" {
			if !strings.HasPrefix(name, "s3.") && !strings.HasPrefix(name, "s3-fips.") {
				continue
			}
			h.infix = "bucket"
		}
		hosts = append(hosts, h)
	}
	return hosts
}

// neverRewritten knows the hosts that stay as they are whatever a catalogue
// lists, because the service answers for them under no other name, or because
// they are not the endpoint's to serve.
func neverRewritten(name string, e endpoint.Endpoint) bool {
	switch name {
	case "s3.amazonaws.com", "sts.amazonaws.com": // the legacy global hosts
		return true
	}
	for i, label := range strings.Split(name, ".") {
		switch label {
		case "execute-api": // an API is found by its own Host
			return true
		case "dkr", "dkr-ecr", "dkr-ecr-fips": // the registry answers 403 under a vpce name
			return true
		case "stream-logs", "streaming-logs": // no endpoint serves it
			return true
		case "s3-global", "s3-accelerate", "s3-object-lambda", "s3-object-lambda-fips", "s3-outposts", "s3-outposts-fips":
			return true
		}
		if strings.HasPrefix(label, "s3express") || strings.HasPrefix(label, "s3-website") {
			return true
		}
		if i > 0 && endpoint.IsRegion(label) && label != e.Region {
			return true // another Region than the endpoint's
		}
	}
	return false
}

// private tells whether inside the VPC the host leads to the endpoint anyway.
// AWS's wildcards cover one label.
func (h host) private() bool {
	if !h.of.PrivateDNS {
		return false
	}
	name := h.name
	if h.shape != whole {
		name = "*." + name
	}
	return slices.Contains(h.of.Hosts, name)
}
