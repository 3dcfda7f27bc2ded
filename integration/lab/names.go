package lab

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// RegionalName is the name of the service's endpoint that answers with every zone's address, as AWS prints it: S3's starts with "*.".
// It is empty if the VPC has no such endpoint.
func (l *Lab) RegionalName(service string) string { return l.printedName(service, "") }

// ZonalName is the name of the service's endpoint in one zone, as AWS prints it. For a zone that the endpoint isn't in, it is the
// name that it would have there, which does not resolve. It is empty if the VPC has no such endpoint.
func (l *Lab) ZonalName(service, zone string) string { return l.printedName(service, zone) }

func (l *Lab) printedName(service, zone string) string {
	e := l.endpoint(service)
	if e == nil {
		return ""
	}
	return e.stars() + e.name(zone)
}

// service is what AWS's documentation says about a service's names. Hosts end in ".<region>.<suffix>".
type service struct {
	wildcard bool     // the endpoint's names are wildcards: bucket., accesspoint. and control. go in front
	hosts    []string // the service's own names: in its certificate, and resolved if there is private DNS
	private  bool     // whether an endpoint can have private DNS
	foreign  bool     // the lab doesn't have what is behind it
}

var services = map[string]service{
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html
	"s3": {wildcard: true, private: true, hosts: []string{"s3", "*.s3", "*.s3-accesspoint", "*.s3-control"}},
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/privatelink-interface-endpoints.html: no private DNS
	"dynamodb": {hosts: []string{"dynamodb", "*.ddb"}},
	// https://docs.aws.amazon.com/streams/latest/dev/vpc.html, and the account's hosts
	"kinesis": {hosts: []string{"kinesis", "*.data-kinesis", "*.control-kinesis"}, private: true},
	"sqs":     {hosts: []string{"sqs"}, private: true},
	"sts":     {hosts: []string{"sts"}, private: true},
	// https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
	"dkr.ecr": {hosts: []string{"dkr.ecr", "*.dkr.ecr"}, private: true, foreign: true},
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-api-test-invoke-url.html
	"execute-api": {hosts: []string{"execute-api", "*.execute-api"}, private: true, foreign: true},
}

// partner is the label of a service that isn't AWS's: https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-share-your-services.html
var partner = regexp.MustCompile(`^vpce-svc-[0-9a-f]{17}$`)

// about is what is known of a service, and whether there is one of that name.
func about(name string) (service, bool) {
	if partner.MatchString(name) {
		return service{private: true, foreign: true}, true
	}
	s, ok := services[name]
	return s, ok
}

type endpoint struct {
	Endpoint
	service
	number   int    // from 1
	id, mark string // vpce-0… and the eight characters behind it
	tail     string // ".sqs.us-east-1.vpce.amazonaws.com"
	zones    []*zone
	fronts   []*front // by zone, as zones
	turn     atomic.Uint32
}

func (l *Lab) addEndpoint(e Endpoint) error {
	about, ok := about(e.Service)
	switch {
	case !ok:
		return fmt.Errorf("no service %q: the lab has s3, dynamodb, kinesis, sqs and sts, and takes dkr.ecr, execute-api and vpce-svc-…", e.Service)
	case about.foreign != (e.Handler != nil || e.Server != "") || e.Handler != nil && e.Server != "":
		return fmt.Errorf("endpoint for %s: a Handler or a Server is for services that the lab doesn't have, one of the two", e.Service)
	case e.Hosts != nil && !partner.MatchString(e.Service):
		return fmt.Errorf("endpoint for %s: its hosts are known; Hosts are a partner's", e.Service)
	case l.endpoint(e.Service) != nil:
		return fmt.Errorf("two endpoints for %s: the lab makes one per service", e.Service)
	case e.PrivateDNS && !about.private:
		return fmt.Errorf("an interface endpoint for %s has no private DNS", e.Service)
	}
	// The same VPC has the same names every time it is started.
	sum := sha256.Sum256([]byte(l.region + "/" + e.Service))
	id := hex.EncodeToString(sum[:])
	ep := &endpoint{
		Endpoint: e, service: about, number: len(l.endpoints) + 1, id: "vpce-0" + id[:16], mark: id[16:24],
		tail: "." + e.Service + "." + l.region + ".vpce." + l.suffix,
	}
	if e.Zones == nil {
		ep.zones = l.zones
	}
	for _, name := range e.Zones {
		z := l.zone(name)
		if z == nil {
			return fmt.Errorf("endpoint for %s: %q is none of the zones", e.Service, name)
		}
		ep.zones = append(ep.zones, z)
	}
	if len(ep.zones) == 0 {
		return fmt.Errorf("endpoint for %s: it needs a zone to be in", e.Service)
	}
	l.endpoints = append(l.endpoints, ep)
	return nil
}

func (l *Lab) endpoint(service string) *endpoint {
	for _, e := range l.endpoints {
		if e.Service == service {
			return e
		}
	}
	return nil
}

// name is the regional name (zone "") or a zonal one, without S3's star.
func (e *endpoint) name(zone string) string {
	if zone != "" {
		zone = "-" + zone
	}
	return e.id + "-" + e.mark + zone + e.tail
}

func (e *endpoint) stars() string {
	if e.wildcard {
		return "*."
	}
	return ""
}

func (l *Lab) hosts(e *endpoint) []string {
	hosts := slices.Clone(e.Hosts)
	for _, h := range e.hosts {
		hosts = append(hosts, h+"."+l.region+"."+l.suffix)
	}
	return hosts
}

// port is where the endpoint's front ends listen, if this process may.
func (e *endpoint) port(l *Lab) uint16 { return cmp.Or(e.Port, l.port) }

// awsName is the service's name in EC2: "com.amazonaws.us-east-1.ecr.dkr" for "dkr.ecr".
func (l *Lab) awsName(e *endpoint) string {
	if partner.MatchString(e.Service) {
		return "com.amazonaws.vpce." + l.region + "." + e.Service
	}
	labels := strings.Split(e.Service, ".")
	slices.Reverse(labels)
	return "com.amazonaws." + l.region + "." + strings.Join(labels, ".")
}

// find is what the VPC's DNS knows about a name: whose it is, the front end whose zonal name it is (nil for others), and its addresses. A private
// name is like the regional one.
func (l *Lab) find(host string) (*endpoint, *front, []netip.Addr) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, e := range l.endpoints {
		all := make([]netip.Addr, 0, len(e.zones))
		for _, f := range e.fronts {
			if covers(e.stars()+e.name(f.zone.Name), host) {
				return e, f, []netip.Addr{f.addr.Addr()}
			}
			all = append(all, f.addr.Addr())
		}
		if covers(e.stars()+e.name(""), host) {
			return e, nil, all
		}
		if e.PrivateDNS {
			for _, h := range l.hosts(e) {
				if covers(h, host) {
					return e, nil, all
				}
			}
		}
	}
	return nil, nil, nil
}

// covers reports whether a DNS record's name, which may be a wildcard, answers for the host. A wildcard in DNS spans any number of labels.
func covers(record, host string) bool {
	if rest, ok := strings.CutPrefix(record, "*"); ok {
		return strings.HasSuffix(host, rest) && len(host) > len(rest)
	}
	return record == host
}

func dnsSuffix(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

type object = map[string]any

// DescribeVpcEndpoints is the JSON that `aws ec2 describe-vpc-endpoints` would print in this VPC, with one more top-level key,
// "AvailabilityZones", holding what `aws ec2 describe-availability-zones` would print there.
func (l *Lab) DescribeVpcEndpoints() []byte {
	var endpoints, zones []object
	for _, e := range l.endpoints {
		endpoints = append(endpoints, l.describe(e))
	}
	for _, z := range l.zones {
		zones = append(zones, object{
			"OptInStatus": "opt-in-not-required", "Messages": []any{}, "RegionName": l.region, "ZoneName": z.Name, "ZoneId": z.ID,
			"GroupName": l.region, "NetworkBorderGroup": l.region, "ZoneType": "availability-zone", "State": "available",
		})
	}
	out, _ := json.MarshalIndent(object{"VpcEndpoints": endpoints, "AvailabilityZones": zones}, "", "    ") // plain values: cannot fail
	return out
}

func (l *Lab) describe(e *endpoint) object {
	entry := func(name, zoneID string) object { return object{"DnsName": name, "HostedZoneId": zoneID} }
	entries := []object{entry(e.stars()+e.name(""), "Z7HUB22UULQXV")}
	var subnets, interfaces []string
	for i := len(e.zones) - 1; i >= 0; i-- { // AWS lists zonal names in no order, so not in the one a reader might count on
		z := e.zones[i]
		entries = append(entries, entry(e.stars()+e.name(z.Name), "Z7HUB22UULQXV"))
		subnets = append(subnets, fmt.Sprintf("subnet-%017x", z.number))
		interfaces = append(interfaces, fmt.Sprintf("eni-%s%x", e.id[len("vpce-"):len(e.id)-1], z.number))
	}
	options := object{"DnsRecordIpType": "ipv4"}
	if e.PrivateDNS {
		for _, h := range l.hosts(e) {
			entries = append(entries, entry(h, "Z00000000000000000000"))
		}
		if e.Service == "s3" {
			options["PrivateDnsOnlyForInboundResolverEndpoint"] = false
		}
	}
	return object{
		"VpcEndpointId": e.id, "VpcEndpointType": "Interface", "VpcId": "vpc-00000000000000001", "OwnerId": Account,
		"ServiceName": l.awsName(e), "State": "available", "IpAddressType": "ipv4",
		"RouteTableIds": []string{}, "SubnetIds": subnets, "NetworkInterfaceIds": interfaces,
		"Groups":     []object{{"GroupId": "sg-00000000000000001", "GroupName": "default"}},
		"DnsOptions": options, "PrivateDnsEnabled": e.PrivateDNS, "RequesterManaged": false, "DnsEntries": entries,
		"CreationTimestamp": "2026-01-15T12:00:00+00:00", "Tags": []any{},
	}
}
