package endpoint

import (
	"fmt"
	"strings"
)

// Parse reads what the DNS name of an interface endpoint tells: its id, its
// service, its Region, and, of a zonal name, its zone. Both
//
//	vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com
//	vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com
//
// give that Regional name; the second gives a Zonal map with the one zone that
// is then known. S3's names may begin with "*.", as AWS prints them, or with
// "bucket.", "accesspoint." or "control.", as they are used.
func Parse(dnsName string) (Endpoint, error) {
	n, err := split(dnsName)
	if err != nil {
		return Endpoint{}, err
	}
	e := Endpoint{ID: n.id, Service: n.service, Region: n.region, Regional: n.regional()}
	if n.zone != "" {
		e.Zonal = map[string]string{n.zone: n.zonal()}
	}
	return e, nil
}

// name is a vpce name in its parts:
// [star]id-unique[-zone].service.region.vpce.suffix
type name struct {
	star                                      string // "*." or ""
	id, unique, zone, service, region, suffix string
}

func (n name) regional() string {
	return n.star + n.id + "-" + n.unique + n.tail()
}

func (n name) zonal() string {
	return n.star + n.id + "-" + n.unique + "-" + n.zone + n.tail()
}

func (n name) tail() string {
	return "." + n.service + "." + n.region + ".vpce." + n.suffix
}

// split takes a vpce name apart. Nothing is looked up: the DNS suffix and the
// Region are whatever the name says, so that partitions need no table.
func split(dnsName string) (n name, err error) {
	wrong := func(why string) (name, error) {
		return name{}, fmt.Errorf("endpoint: %s is not the DNS name of an interface endpoint: %s (want one like vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com)",
			quote(dnsName), why)
	}
	rest := dnsName
	for _, prefix := range []string{"*.", "bucket.", "accesspoint.", "control."} {
		if after, ok := strings.CutPrefix(rest, prefix); ok {
			n.star, rest = "*.", after
			break
		}
	}
	switch {
	case strings.Contains(rest, "/"):
		return wrong("it looks like a URL")
	case !isHost(rest):
		return wrong("it is not a lower-case host name")
	}
	left, suffix, ok := strings.Cut(rest, ".vpce.")
	if !ok {
		return wrong(`it has no ".vpce." in it`)
	}
	n.suffix = suffix
	labels := strings.Split(left, ".")
	if len(labels) < 3 {
		return wrong("it names no service or no Region")
	}
	n.region = labels[len(labels)-1]
	n.service = strings.Join(labels[1:len(labels)-1], ".")
	if !IsRegion(n.region) {
		return wrong(quote(n.region) + " is not a Region")
	}
	if !strings.Contains(suffix, ".") {
		return wrong("it does not end in a domain")
	}
	if n.star != "" && n.service != "s3" {
		return wrong("only S3's names have something in front")
	}
	// The part after the id is eight alphanumerics wherever it was seen, and
	// always without a dash; what follows a second dash is the zone.
	parts := strings.SplitN(labels[0], "-", 4)
	if len(parts) < 3 || parts[0] != "vpce" || !isID(parts[1]) || parts[2] == "" {
		return wrong(`its first label is not "vpce-", an id, "-" and the endpoint's own part`)
	}
	n.id, n.unique = "vpce-"+parts[1], parts[2]
	if len(parts) == 4 {
		n.zone = parts[3]
		if !InRegion(n.zone, n.region) {
			return wrong(quote(n.zone) + " is not a zone of " + n.region)
		}
	}
	return n, nil
}

// ZonalName is the name of the endpoint in the zone: what Zonal says where it
// is known, else what AWS makes of every regional name: "-" and the zone's name
// at the end of the first label. ok is false where the endpoint is known not to
// be in the zone.
func (e Endpoint) ZonalName(zone string) (dnsName string, ok bool) {
	if e.Zonal != nil {
		dnsName, ok = e.Zonal[zone]
		return dnsName, ok
	}
	star := ""
	rest := e.Regional
	if after, ok := strings.CutPrefix(rest, "*."); ok {
		star, rest = "*.", after
	}
	label, tail, ok := strings.Cut(rest, ".")
	if !ok || len(label)+1+len(zone) > maxLabel {
		return "", false
	}
	return star + label + "-" + zone + "." + tail, true
}

// InRegion tells whether a zone's name is one of the Region: "us-east-1a", or,
// of a Local Zone or Wavelength Zone, "us-west-2-lax-1a".
func InRegion(zone, region string) bool {
	rest, ok := strings.CutPrefix(zone, region)
	if !ok || rest == "" || !isLabel(zone) {
		return false
	}
	if rest[0] == '-' {
		return len(rest) > 1
	}
	return len(rest) == 1 && 'a' <= rest[0] && rest[0] <= 'z'
}

// siblings are the domains of the dual-stack service hosts of a partition, by
// its DNS suffix: what the SDK's endpoint rules call dualStackDnsSuffix, without
// its first label. Names of an endpoint must lie under its own suffix or here.
var siblings = map[string]string{
	"amazonaws.com":    "aws",
	"amazonaws.com.cn": "amazonwebservices.com.cn",
	"amazonaws.eu":     "amazonwebservices.eu",
	"c2s.ic.gov":       "aws.ic.gov",
	"sc2s.sgov.gov":    "aws.scloud",
	"cloud.adc-e.uk":   "cloud-aws.adc-e.uk",
	"csp.hci.ic.gov":   "aws.hci.ic.gov",
}

// checkPrivate refuses a private DNS name that AWS would not list for the
// endpoint: it is a host whose requests, signed with the caller's credentials,
// would be sent to the endpoint. The services of AWS's partners (and one's own)
// may have any name; no SDK client resolves those, so routing ignores them.
func (n name) checkPrivate(host string) error {
	if !isHost(bare(host)) {
		return fmt.Errorf("the private DNS name %s is not a lower-case host name", quote(host))
	}
	if n.partner() || under(host, n.suffix) || under(host, siblings[n.suffix]) || under(host, "amazon.com") || under(host, "awsapps.com") {
		return nil
	}
	return fmt.Errorf("the private DNS name %s does not lie under %s", quote(host), n.suffix)
}

// partner tells whether the endpoint's service is one of somebody else than AWS.
func (n name) partner() bool { return strings.HasPrefix(n.service, "vpce-svc-") }

func under(host, domain string) bool {
	return domain != "" && strings.HasSuffix(host, "."+domain)
}

const (
	maxLabel = 63 // octets, RFC 1035
	maxName  = 253
)

func isHost(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func isID(s string) bool {
	return len(s) >= 8 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// IsRegion knows a Region by its shape, "us-gov-west-1": there are new ones
// every year.
func IsRegion(s string) bool {
	i := strings.LastIndexByte(s, '-')
	if i < 0 || !isLabel(s) {
		return false
	}
	digits, words := s[i+1:], s[:i]
	return strings.Trim(digits, "0123456789") == "" &&
		strings.Contains(words, "-") && strings.Trim(words, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// quote shows a value that is not trusted: escaped, and not all of a long one.
func quote(s string) string {
	if len(s) > 100 {
		return fmt.Sprintf("%q…", s[:100])
	}
	return fmt.Sprintf("%q", s)
}
