package discovery

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	vpc      = "vpc-1a2b3c4d"
	otherVPC = "vpc-0a1b2c3d4e5f60718"
)

// fakeEC2 is EC2's Query API, as far as it is asked here. What it answers is
// made after the sample responses of DescribeVpcEndpoints,
// DescribeAvailabilityZones and DescribeSubnets in the EC2 API Reference.
type fakeEC2 struct {
	url      string
	items    []item
	zones    [][2]string // ID and name
	subnets  []fakeSubnet
	pageSize int                         // 0: what is asked for
	instead  map[string]http.HandlerFunc // by action, in place of the usual answer

	mu    sync.Mutex
	asked []url.Values
}

// item is an endpoint as the fake knows it.
type item struct {
	id, kind, vpc, service, serviceRegion, state string
	dns                                          []string // "name" or "name zone"
	privateDNS, inboundOnly                      bool
	tags                                         map[string]string
}

// fakeSubnet is a subnet as the fake knows it.
type fakeSubnet struct{ id, vpc, block, zoneID, zone, six, sixState string }

func newFakeEC2(t *testing.T, items ...item) *fakeEC2 {
	f := &fakeEC2{
		items: items,
		subnets: []fakeSubnet{
			{id: "subnet-d6fcaa8d", vpc: vpc, block: "10.0.1.0/24", zoneID: "use1-az4", zone: "us-east-1a"},
			{id: "subnet-7b16de0c", vpc: vpc, block: "10.0.2.0/24", zoneID: "use1-az6", zone: "us-east-1b"},
			{id: "subnet-0bb1c79de3EXAMPLE", vpc: otherVPC, block: "10.0.1.0/24", zoneID: "use1-az6", zone: "us-east-1b"},
		},
		zones:   [][2]string{{"use1-az4", "us-east-1a"}, {"use1-az6", "us-east-1b"}},
		instead: map[string]http.HandlerFunc{},
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fakeEC2) config() aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(f.url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	}
}

func (f *fakeEC2) source(t *testing.T, opts ...Option) *Source {
	t.Helper()
	s, err := New(f.config(), append([]Option{WithVPC(vpc)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// calls returns what was asked for, by the name of the action.
func (f *fakeEC2) calls(action string) []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.asked), func(v url.Values) bool { return v.Get("Action") != action })
}

func (f *fakeEC2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.mu.Lock()
	f.asked = append(f.asked, r.PostForm)
	f.mu.Unlock()
	action := r.PostForm.Get("Action")
	switch h := f.instead[action]; {
	case h != nil:
		h(w, r)
	case r.Header.Get("Authorization") == "":
		fail(http.StatusUnauthorized, "AuthFailure")(w, r)
	case action == "DescribeVpcEndpoints":
		f.describeEndpoints(w, r.PostForm)
	case action == "DescribeAvailabilityZones":
		fmt.Fprintf(w, `<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
  <availabilityZoneInfo>`)
		for _, z := range f.zones {
			fmt.Fprintf(w, `<item><optInStatus>opt-in-not-required</optInStatus><zoneName>%s</zoneName><zoneId>%s</zoneId>`+
				`<zoneType>availability-zone</zoneType><regionName>us-east-1</regionName><zoneState>available</zoneState><messageSet/></item>`,
				escape(z[1]), escape(z[0]))
		}
		io.WriteString(w, `</availabilityZoneInfo></DescribeAvailabilityZonesResponse>`)
	case action == "DescribeSubnets":
		f.describeSubnets(w, r.PostForm)
	default:
		fail(http.StatusBadRequest, "InvalidAction")(w, r)
	}
}

func (f *fakeEC2) describeEndpoints(w http.ResponseWriter, form url.Values) {
	matching := slices.DeleteFunc(slices.Clone(f.items), func(i item) bool { return !i.matches(form) })
	from, _ := strconv.Atoi(form.Get("NextToken"))
	size, _ := strconv.Atoi(form.Get("MaxResults"))
	if f.pageSize > 0 {
		size = f.pageSize
	}
	to := min(from+size, len(matching))
	io.WriteString(w, `<DescribeVpcEndpointsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8d3e7656-3328-451d-8c86-7156example</requestId>
    <vpcEndpointSet>`)
	for _, i := range matching[from:to] {
		io.WriteString(w, i.xml())
	}
	io.WriteString(w, `</vpcEndpointSet>`)
	if to < len(matching) {
		fmt.Fprintf(w, `<nextToken>%d</nextToken>`, to)
	}
	io.WriteString(w, `</DescribeVpcEndpointsResponse>`)
}

func (f *fakeEC2) describeSubnets(w http.ResponseWriter, form url.Values) {
	matching := slices.DeleteFunc(slices.Clone(f.subnets), func(s fakeSubnet) bool { return !(item{vpc: s.vpc}).matches(form) })
	from, _ := strconv.Atoi(form.Get("NextToken"))
	size, _ := strconv.Atoi(form.Get("MaxResults"))
	if f.pageSize > 0 {
		size = f.pageSize
	}
	to := min(from+size, len(matching))
	io.WriteString(w, `<DescribeSubnetsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</requestId>
  <subnetSet>`)
	for _, s := range matching[from:to] {
		io.WriteString(w, s.xml())
	}
	io.WriteString(w, `</subnetSet>`)
	if to < len(matching) {
		fmt.Fprintf(w, `<nextToken>%d</nextToken>`, to)
	}
	io.WriteString(w, `</DescribeSubnetsResponse>`)
}

func (s fakeSubnet) xml() string {
	block, six := "", ""
	if s.block != "" {
		block = "<cidrBlock>" + escape(s.block) + "</cidrBlock>"
	}
	if s.six != "" {
		six = "<item><ipv6CidrBlock>" + escape(s.six) + "</ipv6CidrBlock><associationId>subnet-cidr-assoc-3aa54053</associationId>" +
			"<ipv6CidrBlockState><state>" + escape(s.sixState) + "</state></ipv6CidrBlockState></item>"
	}
	return "<item><subnetId>" + s.id + "</subnetId><subnetArn>arn:aws:ec2:us-east-1:111122223333:subnet/" + s.id + "</subnetArn>" +
		"<state>available</state><ownerId>111122223333</ownerId><vpcId>" + escape(s.vpc) + "</vpcId>" + block +
		"<ipv6CidrBlockAssociationSet>" + six + "</ipv6CidrBlockAssociationSet><availableIpAddressCount>251</availableIpAddressCount>" +
		"<availabilityZone>" + s.zone + "</availabilityZone><availabilityZoneId>" + escape(s.zoneID) + "</availabilityZoneId>" +
		"<defaultForAz>false</defaultForAz><mapPublicIpOnLaunch>false</mapPublicIpOnLaunch><tagSet/></item>"
}

// matches applies filters as EC2 does: any value of each filter, * and ? are
// wildcards.
func (i item) matches(form url.Values) bool {
	for n := 1; form.Has(fmt.Sprintf("Filter.%d.Name", n)); n++ {
		var have string
		switch name := form.Get(fmt.Sprintf("Filter.%d.Name", n)); name {
		case "vpc-id":
			have = i.vpc
		case "vpc-endpoint-type":
			have = i.kind
		default:
			have = i.tags[strings.TrimPrefix(name, "tag:")]
		}
		found := false
		for v := 1; form.Has(fmt.Sprintf("Filter.%d.Value.%d", n, v)); v++ {
			ok, _ := path.Match(form.Get(fmt.Sprintf("Filter.%d.Value.%d", n, v)), have)
			found = found || ok
		}
		if !found {
			return false
		}
	}
	return true
}

func (i item) xml() string {
	var b strings.Builder
	element := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "<%s>%s</%s>", name, escape(value), name)
		}
	}
	b.WriteString("<item>")
	element("policyDocument", `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`)
	b.WriteString("<dnsEntrySet>")
	for _, d := range i.dns {
		name, zone, ok := strings.Cut(d, " ")
		if !ok {
			zone = "Z7HUB22UULQXV"
		}
		fmt.Fprintf(&b, "<item><hostedZoneId>%s</hostedZoneId><dnsName>%s</dnsName></item>", escape(zone), escape(name))
	}
	b.WriteString("</dnsEntrySet>")
	if i.kind == "Interface" {
		fmt.Fprintf(&b, "<dnsOptions><dnsRecordIpType>ipv4</dnsRecordIpType>"+
			"<privateDnsOnlyForInboundResolverEndpoint>%t</privateDnsOnlyForInboundResolverEndpoint></dnsOptions>", i.inboundOnly)
	}
	element("serviceName", i.service)
	element("serviceRegion", i.serviceRegion)
	element("privateDnsEnabled", strconv.FormatBool(i.privateDNS))
	element("vpcEndpointId", i.id)
	element("vpcEndpointType", i.kind)
	element("vpcId", i.vpc)
	element("creationTimestamp", "2017-09-05T17:55:27.583Z")
	element("state", i.state)
	b.WriteString("<tagSet>")
	for k, v := range i.tags {
		b.WriteString("<item>")
		element("key", k)
		element("value", v)
		b.WriteString("</item>")
	}
	b.WriteString("</tagSet></item>")
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// fail answers with an error as the EC2 Developer Guide shows it.
func fail(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>%s</Code><Message>Said the fake.</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>`, code)
	}
}

// interfaceTo describes an available endpoint in two zones as AWS lists it: the
// regional name, the zonal ones in no order, the private ones last.
func interfaceTo(id, service, label string, private ...string) item {
	const region = "us-east-1"
	star := ""
	if label == "s3" {
		star = "*."
	}
	name := func(zone string) string {
		return star + id + "-lj2wisx3" + zone + "." + label + "." + region + ".vpce.amazonaws.com"
	}
	return item{
		id: id, kind: "Interface", vpc: vpc, service: "com.amazonaws." + region + "." + service, serviceRegion: region, state: "available",
		dns:        append([]string{name(""), name("-us-east-1b"), name("-us-east-1a")}, private...),
		privateDNS: len(private) > 0,
	}
}

func gatewayTo(id, service string) item {
	return item{id: id, kind: "Gateway", vpc: vpc, service: "com.amazonaws.us-east-1." + service, state: "available"}
}
