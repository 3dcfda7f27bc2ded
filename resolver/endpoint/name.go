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
		return Endpoint{}, fmt.Errorf("endpoint: %w", err)
	}
	return n.endpoint(), nil
}

// name is a vpce name in its parts:
// [star]id-unique[-zone].service.region.vpce.suffix
type name struct {
	dnsName                                   string // as AWS prints it; the parts are cut out of it
	star                                      string // "*." or ""
	id, unique, zone, service, region, suffix string
}

func (n name) endpoint() Endpoint {
	e := Endpoint{ID: n.id, Service: n.service, Region: n.region, Regional: n.regional()}
	if n.zone != "" {
		e.Zonal = map[string]string{n.zone: n.dnsName}
	}
	return e
}

func (n name) regional() string {
	if n.zone == "" {
		return n.dnsName
	}
	end := len(n.star) + len(n.id) + len("-") + len(n.unique)
	return n.dnsName[:end] + n.dnsName[end+len("-")+len(n.zone):]
}

// sameEndpoint reports whether both are names of one endpoint, with or without its zone or a star.
func (n name) sameEndpoint(other name) bool {
	n.dnsName, n.star, n.zone = other.dnsName, other.star, other.zone
	return n == other
}

// fault is an error that is worded when it is shown. A file may have a million, of which
// few are.
type fault struct {
	format string
	args   []any
}

func faultf(format string, args ...any) *fault { return &fault{format, args} }

func (f *fault) Error() string { return fmt.Sprintf(f.format, f.args...) }

// split takes a vpce name apart. Nothing is looked up: the DNS suffix and the
// Region are whatever the name says, so that partitions need no table.
func split(dnsName string) (n name, err error) {
	wrong := func(why any) (name, error) {
		return name{}, faultf("%s is not the DNS name of an interface endpoint: %s (want one like vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com)",
			quoted(dnsName), why)
	}
	n.dnsName = dnsName
	rest := dnsName
	for _, prefix := range [...]string{"*.", "bucket.", "accesspoint.", "control."} {
		if after, ok := strings.CutPrefix(rest, prefix); ok {
			n.star, rest = "*.", after
			if prefix != n.star {
				n.dnsName = n.star + rest
			}
			break
		}
	}
	switch {
	case strings.Contains(rest, "/"):
		return wrong("it looks like a URL")
	case len(dnsName) > maxName || !isHost(rest):
		return wrong("it is not a host name in lower case, without a port or a dot at the end")
	}
	left, suffix, ok := strings.Cut(rest, ".vpce.")
	if !ok {
		return wrong(`it has no ".vpce." in it`)
	}
	n.suffix = suffix
	first, service, _ := strings.Cut(left, ".")
	dot := strings.LastIndexByte(service, '.')
	if dot < 0 {
		return wrong("it names no service or no Region")
	}
	n.service, n.region = service[:dot], service[dot+1:]
	if !IsRegion(n.region) {
		return wrong(faultf("%s is not a Region", quoted(n.region)))
	}
	if !strings.Contains(suffix, ".") {
		return wrong("it does not end in a domain")
	}
	if n.star != "" && n.service != "s3" {
		return wrong("only S3's names have something in front")
	}
	// The part after the id is eight alphanumerics wherever it was seen, and
	// always without a dash; what follows a second dash is the zone.
	afterVPCE, isVPCE := strings.CutPrefix(first, "vpce-")
	id, own, _ := strings.Cut(afterVPCE, "-")
	unique, zone, isZonal := strings.Cut(own, "-")
	if !isVPCE || !isID(id) || unique == "" {
		return wrong(`its first label is not "vpce-", an id, "-" and the endpoint's own part`)
	}
	n.id, n.unique, n.zone = first[:len("vpce-")+len(id)], unique, zone
	if isZonal && !InRegion(n.zone, n.region) {
		return wrong(faultf("%s is not a zone of %s", quoted(n.zone), n.region))
	}
	return n, nil
}

// ZonalName is the name of the endpoint in the zone: what Zonal says if it is
// known, else what AWS makes of every regional name: "-" and the zone's name at
// the end of the first label. ok is false if the endpoint is known not to be in
// the zone, or if no name can be made with it.
func (e Endpoint) ZonalName(zone string) (dnsName string, ok bool) {
	if e.Zonal != nil {
		dnsName, ok = e.Zonal[zone]
		return dnsName, ok
	}
	rest := bare(e.Regional)
	star := e.Regional[:len(e.Regional)-len(rest)]
	label, tail, ok := strings.Cut(rest, ".")
	dnsName = star + label + "-" + zone + "." + tail
	if !ok || !isLabel(zone) || len(label)+1+len(zone) > maxLabel || len(dnsName) > maxName {
		return "", false
	}
	return dnsName, true
}

// InRegion reports whether a zone's name is one of the Region: "us-east-1a", or,
// of a Local Zone or Wavelength Zone, "us-west-2-lax-1a".
func InRegion(zone, region string) bool {
	rest, ok := strings.CutPrefix(zone, region)
	if !ok || rest == "" || !isLabel(zone) {
		return false
	}
	return rest[0] == '-' || len(rest) == 1 && 'a' <= rest[0] && rest[0] <= 'z'
}

// checkZone refuses a zone ID and name that aren't, or the other way round. A
// zone's name begins with its Region's, an ID doesn't: "use1-az6", "usw2-lax1-az1".
func checkZone(id, name string) error {
	if !isLabel(id) || !isZoneName(name) {
		return faultf("%s is not a zone ID, or %s not a zone's name: want a pair such as use1-az6 and us-east-1a", quoted(id), quoted(name))
	}
	return nil
}

func isZoneName(s string) bool {
	digits := strings.IndexAny(s, "0123456789")
	region := s[:digits+1] // a Region ends with its first digit
	return IsRegion(region) && InRegion(s, region)
}

const (
	maxLabel = 63 // octets, RFC 1035
	maxName  = 253
)

func isHost(s string) bool {
	if len(s) > maxName {
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
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
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
	return strings.Trim(digits, "0123456789") == "" && !strings.Contains(s, "--") &&
		strings.Contains(words, "-") && strings.Trim(words, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// quoted is a value that is quoted when it is shown.
type quoted string

func (q quoted) String() string { return quote(string(q)) }

// quote shows a value that is not trusted: escaped, and not all of a long one.
func quote(s string) string {
	if len(s) > 100 {
		return fmt.Sprintf("%q…", s[:100])
	}
	return fmt.Sprintf("%q", s)
}
