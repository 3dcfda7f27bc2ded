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
	infix string // S3's: what stands in the star's place, and a dot
	of    *endpoint.Endpoint
	// listed is true of a private DNS name of the endpoint's, and unknown of what is derived: see private.
	listed bool
	// regional is where requests for it go if not to the zone: empty for the host itself.
	regional string
	free     bool // they have a path that is free of charge
}

// shape is what a host's first labels must be, and what becomes of them.
type shape uint8

const (
	whole       shape = iota // there are none
	account                  // an account id, which is dropped: <account>.ddb.<r>
	bucket                   // a bucket or an access point's alias: kept
	accessPoint              // <name>-<account>: kept
	control                  // an account id: kept
	prefix                   // whatever stands in front of a regional vpce name: kept
)

// takes reports whether the labels in front of a parent are of the shape.
func (s shape) takes(front string) bool {
	if !isName(front) {
		return false
	}
	switch s {
	case account, control:
		return isAccount(front)
	case accessPoint:
		i := strings.LastIndexByte(front, '-')
		return i > 0 && isAccount(front[i+1:]) && strings.IndexByte(front, '.') < 0
	case bucket:
		// Aliases of Object Lambda access points and of access points for
		// Outposts, and directory buckets: S3's interface endpoints don't
		// serve them.
		return !strings.HasSuffix(front, "--ol-s3") && !strings.HasSuffix(front, "--op-s3") && !strings.HasSuffix(front, "--x-s3")
	}
	return s == prefix
}

// keeps is what of the front stays in the names.
func (s shape) keeps(front string) string {
	if s == account {
		return ""
	}
	return front
}

// maxName is how long a name may be, and maxLabel a label of it (RFC 1035).
const maxName, maxLabel = 253, 63

// isName reports whether s is made of labels that may stand in a DNS name: what
// isn't has nothing to do in front of a vpce name.
func isName(s string) bool {
	length := 0 // of the label so far
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-' && length > 0:
			length++
		case c == '.' && length > 0 && s[i-1] != '-':
			length = 0
		default:
			return false
		}
		if length > maxLabel {
			return false
		}
	}
	return length > 0 && s[len(s)-1] != '-'
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// hostsOf lists the service hosts of all endpoints. Of two endpoints with the
// same host, the one whose own service has it comes first, so that nothing in a
// catalogue can take the requests of a service away from its endpoint; beyond
// that the endpoints' order stands.
func hostsOf(endpoints []*endpoint.Endpoint) []host {
	var own, others []host
	for _, e := range endpoints {
		if strings.HasPrefix(e.Service, "vpce-svc-") {
			continue // no SDK client resolves hosts of somebody else's service
		}
		derived := derivedHosts(e)
		listed := listedHosts(e)
		listsWhole := slices.ContainsFunc(listed, func(l host) bool { return l.shape == whole })
		for _, h := range derived {
			// What AWS lists for the endpoint is better than what we derive.
			isListed := slices.ContainsFunc(listed, func(l host) bool { return l.name == h.name && l.shape == whole })
			if h.shape != whole || !listsWhole || isListed || e.Service == "s3" {
				own = append(own, h)
			}
		}
		others = append(others, listed...)
	}
	return append(own, others...)
}

// derivedHosts is what the SDK resolves for the endpoint's service. Those with
// hosts that begin with an account or a bucket are here, all others in a table.
func derivedHosts(e *endpoint.Endpoint) []host {
	_, suffix, _ := strings.Cut(e.Regional, ".vpce.")
	at := func(service string, s shape, infix string) host {
		return host{name: service + "." + e.Region + "." + suffix, shape: s, infix: infix, of: e}
	}
	var hosts []host
	switch e.Service {
	case "s3":
		hosts = []host{
			at("s3", whole, "bucket."), // path style, ListBuckets
			at("s3", bucket, "bucket."),
			at("s3-accesspoint", accessPoint, "accesspoint."),
			at("s3-control", control, "control."),
		}
	case "dynamodb":
		// Credentials that carry an account id turn on account-based endpoints.
		hosts = []host{at("dynamodb", whole, ""), at("ddb", account, "")}
	case "kinesis":
		hosts = []host{at("kinesis", whole, ""), at("data-kinesis", account, ""), at("control-kinesis", account, "")}
	default:
		names, _ := sdkHosts(e)
		for _, name := range names {
			hosts = append(hosts, host{name: name, of: e})
		}
	}
	return slices.DeleteFunc(hosts, func(h host) bool { return neverRewritten(h.name, e) })
}

// listedHosts is the endpoint's private DNS names that can be routed by.
func listedHosts(e *endpoint.Endpoint) []host {
	hosts := make([]host, 0, len(e.Hosts))
	for _, name := range e.Hosts {
		if neverRewritten(strings.TrimPrefix(name, "*."), e) {
			continue
		}
		parent, isWildcard := strings.CutPrefix(name, "*.")
		h := host{name: parent, of: e, listed: true}
		switch {
		case isWildcard:
			label, _, _ := strings.Cut(parent, ".")
			w, known := wildcards[strings.TrimSuffix(label, "-fips")]
			if !known || w.service != e.Service {
				continue
			}
			h.shape, h.infix = w.shape, w.infix
		case e.Service == "s3":
			if !strings.HasPrefix(name, "s3.") && !strings.HasPrefix(name, "s3-fips.") {
				continue
			}
			h.infix = "bucket."
		}
		hosts = append(hosts, h)
	}
	return hosts
}

// wildcards are the parents, by their first label, of which is known what becomes of
// the label that a star stands for: with whatever suffix an endpoint lists them. Under
// others it may be needed, and a vpce name has no place for it.
var wildcards = map[string]struct {
	service string
	shape   shape
	infix   string
}{
	"ddb":             {"dynamodb", account, ""},
	"data-kinesis":    {"kinesis", account, ""},
	"control-kinesis": {"kinesis", account, ""},
	"s3":              {"s3", bucket, "bucket."},
	"s3-accesspoint":  {"s3", accessPoint, "accesspoint."},
	"s3-control":      {"s3", control, "control."},
}

// owners says whose endpoints alone may serve hosts with such a label: nobody's,
// if the service answers for them under no other name.
var owners = map[string]string{
	"s3":                    "s3", // a bucket of whatever name, too
	"ddb":                   "dynamodb",
	"data-kinesis":          "kinesis",
	"control-kinesis":       "kinesis",
	"execute-api":           nobody, // an API is found by its own Host
	"dkr":                   nobody, // the registry answers 403 under a vpce name
	"dkr-ecr":               nobody, // the registry, dual-stack
	"dkr-ecr-fips":          nobody,
	"stream-logs":           "logs", // if the endpoint lists it
	"streaming-logs":        "logs",
	"s3-global":             nobody,
	"s3-accelerate":         nobody,
	"s3-object-lambda":      nobody,
	"s3-object-lambda-fips": nobody,
	"s3-outposts":           nobody,
	"s3-outposts-fips":      nobody,
}

const nobody = "" // no endpoint's service

// neverRewritten knows the hosts that stay as they are whatever a catalogue
// lists for the endpoint, because they are not the endpoint's to serve.
func neverRewritten(name string, e *endpoint.Endpoint) bool {
	switch {
	case name == "s3.amazonaws.com", name == "sts.amazonaws.com": // the legacy global hosts
		return true
	case strings.Contains(name, ".vpce."): // an endpoint's own name, and maybe another's
		return true
	}
	first := true
	for label := range strings.SplitSeq(name, ".") {
		owner, owned := owners[label]
		if !owned && strings.HasPrefix(label, "s3-") {
			owner, owned = "s3", true
		}
		switch {
		case owned && owner != e.Service:
			return true
		case strings.HasPrefix(label, "s3express"), strings.HasPrefix(label, "s3-website"):
			return true
		case !first && label != e.Region && endpoint.IsRegion(label):
			return true // another Region than the endpoint's
		}
		first = false
	}
	return false
}

// private reports whether inside the VPC the host leads to the endpoint anyway.
// AWS's wildcards cover one label.
func (h host) private() bool {
	if !h.of.PrivateDNS || h.listed {
		return h.of.PrivateDNS
	}
	name := h.name
	if h.shape != whole {
		name = "*." + name
	}
	return slices.Contains(h.of.Hosts, name)
}
