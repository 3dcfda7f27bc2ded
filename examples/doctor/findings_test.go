package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// fault makes a VPC with something wrong in some of its zones.
func fault(f lab.Fault, zones ...string) func(*testing.T) (*network, []string) {
	return func(t *testing.T) (*network, []string) {
		l, n := startLab(t, lab.Options{})
		for _, z := range zones {
			if err := l.Fault(z, f); err != nil {
				t.Fatal(err)
			}
		}
		n.patience /= 2 // black holes are waited for
		return n, fromFile(t, l, home)
	}
}

// leading is a network in which some hosts lead elsewhere.
func leading(n *network, hosts map[string]string) *network {
	other := *n
	other.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		if addr, ok := hosts[host]; ok {
			return []netip.Addr{netip.MustParseAddr(addr)}, nil
		}
		return n.lookup(ctx, host)
	}
	return &other
}

// withIPv6 is a network in which the endpoint has addresses that can't be routed to, as well.
func withIPv6(n *network) *network {
	other := *n
	other.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		addrs, err := n.lookup(ctx, host)
		if err == nil && host != sqsHost {
			addrs = append(addrs, netip.MustParseAddr("2001:db8::1"))
			if !strings.Contains(host, "-"+home) {
				addrs = append(addrs, netip.MustParseAddr("2001:db8::2"))
			}
		}
		return addrs, err
	}
	other.dial = func(ctx context.Context, host string, addr netip.Addr) (net.Conn, error) {
		if addr.Is6() {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ENETUNREACH}
		}
		return n.dial(ctx, host, addr)
	}
	return &other
}

const (
	sqsHost  = "sqs.us-east-1.amazonaws.com"
	anywhere = "203.0.113.10" // for documentation, RFC 5737: never connected to
)

// Each problem that an endpoint can have, when it has it, is found, and nothing else is.
func TestFindings(t *testing.T) {
	t.Parallel()
	all := []string{"us-east-1a", "us-east-1b", "us-east-1c"}
	for _, test := range []struct {
		name    string
		given   func(*testing.T) (*network, []string)
		want    []string
		verdict verdict
		what    string // in what is said of the first finding
		do      string // and what to do about it
	}{
		{"the wrong security group", fault(lab.BlackHole, all...), []string{"sqs: problem security-group"}, broken, "in all of its zones", "security group accept TCP 443"},
		{"a black hole in the zone", fault(lab.BlackHole, home), []string{"sqs: problem zone-timeout"}, elsewhere, "times out in us-east-1a, and not in other zones", "network ACL"},
		{"a refusal in the zone", fault(lab.Refuse, home), []string{"sqs: problem refused"}, elsewhere, "its zonal name refuses", "firewall"},
		{"refusals everywhere", fault(lab.Refuse, all...), []string{"sqs: problem refused"}, broken, "refuses", "firewall"},
		{"no TLS", fault(lab.Hang, home), []string{"sqs: problem tls"}, elsewhere, "no TLS: no answer in time", "proxy"},
		{"another name's certificate", fault(lab.WrongCertificate, home), []string{"sqs: problem certificate"}, elsewhere, "another name's", "DNS"},
		{"no answer", fault(lab.Stall, home), []string{"sqs: problem no-answer"}, failing, "does not answer: no answer in time", "ShiftAway"},
		{"a reset for an answer", fault(lab.Reset, home), []string{"sqs: problem no-answer"}, failing, "the connection is reset", "ShiftAway"},
		{"a load balancer without a service", fault(lab.Unavailable, home), []string{"sqs: problem unavailable"}, failing, "answers 503", "ShiftAway"},
		{"a refusal in another zone", fault(lab.Refuse, "us-east-1b"), []string{"sqs: problem fallback"}, inZone, ".2.11", "fail over"},
		{"a black hole in another zone", fault(lab.BlackHole, "us-east-1c"), []string{"sqs: problem fallback"}, inZone, ".3.11", "fail over"},
		{"a service that is down in another zone", fault(lab.Unavailable, "us-east-1c"), []string{"sqs: problem fallback"}, inZone, ".3.11", "fail over"},
		{
			"different faults in two zones", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				if err := errors.Join(l.Fault(home, lab.Refuse), l.Fault("us-east-1b", lab.Unavailable)); err != nil {
					t.Fatal(err)
				}
				return n, fromFile(t, l, home)
			}, []string{"sqs: problem fallback", "sqs: problem refused"}, elsewhere, "refuses", "firewall",
		},
		{
			"nobody whom this machine trusts", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				n.roots = x509.NewCertPool()
				return n, fromFile(t, l, home)
			}, []string{"sqs: problem certificate-untrusted"}, broken, "unknown authority", "AWS_CA_BUNDLE",
		},
		{
			"an endpoint elsewhere, by AWS's list", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sqs", PrivateDNS: true, Zones: []string{"us-east-1b"}}}})
				return n, fromFile(t, l, home)
			}, []string{"sqs: problem not-in-zone"}, elsewhere, "it is not in us-east-1a", "a subnet in us-east-1a",
		},
		{
			"an endpoint that is listed in a zone that it left", func(t *testing.T) (*network, []string) {
				before, _ := startLab(t, lab.Options{}) // VPCs of the lab's have the same names
				_, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sqs", PrivateDNS: true, Zones: []string{"us-east-1b"}}}})
				return n, fromFile(t, before, home)
			}, []string{"sqs: problem stale"}, elsewhere, "is listed, and does not exist", "-snapshot",
		},
		{
			"an endpoint that was deleted", func(t *testing.T) (*network, []string) {
				before, _ := startLab(t, lab.Options{})
				_, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sts"}}})
				return n, fromFile(t, before, home)
			}, []string{"sqs: problem no-name"}, broken, "its regional name does not exist", "was deleted",
		},
		{
			"the letter of another zone", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				return n, fromFile(t, l, "us-east-1c") // and the program is in us-east-1a
			}, []string{"sqs: problem farther"}, inZone, "another zone is nearer", "AZAFFINITY_ZONE_NAMES",
		},
		{
			"an endpoint that was deleted, and wasn't in the zone", func(t *testing.T) (*network, []string) {
				before, _ := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sqs", Zones: []string{"us-east-1b"}}}})
				_, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sts"}}})
				return n, fromFile(t, before, home)
			}, []string{"sqs: problem no-name"}, broken, "its regional name does not exist", "was deleted",
		},
		{
			"a zone's ID and nobody who knows its name", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				return n, fromFile(t, l, "use1-az9")
			}, []string{"problem zone-unnamed"}, elsewhere, "only the ID is known, use1-az9", "AZAFFINITY_ZONE_NAMES",
		},
		{
			"another Region", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{Region: "eu-west-1", Zones: []lab.Zone{{Name: "eu-west-1a", ID: "euw1-az1"}}})
				return n, fromFile(t, l, home)
			}, []string{"sqs: advice cross-region"}, elsewhere, "eu-west-1", "nothing",
		},
		{
			"private DNS, off", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sqs"}}})
				return leading(n, map[string]string{sqsHost: anywhere}), fromFile(t, l, home)
			}, []string{"sqs: advice private-dns-off"}, inZone, "its host leads elsewhere, to " + anywhere, "enable the endpoint's private DNS",
		},
		{
			"private DNS, off, in a VPC without a way out", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "s3"}}})
				return n, fromFile(t, l, home)
			}, []string{"s3: advice private-dns-off"}, inZone, "does not lead anywhere", "enable the endpoint's private DNS",
		},
		{
			"private DNS, off, for a service that can't have it", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "dynamodb"}}})
				return n, fromFile(t, l, home)
			}, nil, inZone, "", "",
		},
		{
			"private DNS, on, that this machine doesn't see", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				return leading(n, map[string]string{sqsHost: anywhere}), fromFile(t, l, home)
			}, []string{"sqs: problem private-dns"}, inZone, "its host leads elsewhere, to " + anywhere, "the VPC's DNS resolver",
		},
		{
			"private DNS, on, and no such host", func(t *testing.T) (*network, []string) {
				before, _ := startLab(t, lab.Options{})
				_, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sqs"}}})
				return n, fromFile(t, before, home)
			}, []string{"sqs: problem private-dns"}, inZone, "no such host", "enableDnsHostnames",
		},
		{
			"DNS that fails", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				n.lookup = lookupBy(failingDNS(t))
				return n, fromFile(t, l, home)
			}, []string{"sqs: problem dns"}, broken, "server misbehaving", "the VPC's DNS resolver",
		},
		{
			"no route", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				n.dial = func(context.Context, string, netip.Addr) (net.Conn, error) {
					return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}
				}
				return n, fromFile(t, l, home)
			}, []string{"sqs: problem connect"}, broken, "no route to host", "a route from here",
		},
		{
			"IPv6 addresses, too, and no IPv6 here", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				return withIPv6(n), fromFile(t, l, home)
			}, nil, inZone, "", "",
		},
		{
			"a clock that is wrong", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{})
				n.roots, n.dial = expired(t, "*"+strings.TrimPrefix(l.RegionalName("sqs"), strings.Split(l.RegionalName("sqs"), ".")[0]))
				return n, fromFile(t, l, home)
			}, []string{"sqs: problem certificate-expired"}, broken, "isn't valid now", "clock",
		},
		{
			"a gateway endpoint", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "s3"}}})
				return n, []string{"-endpoints", write(t, withGateway(t, l, "s3")), "-zone", home}
			}, []string{"s3: advice gateway-endpoint"}, leftAside, "vpce-0abcdef", `resolver.WithInterfaceFor("s3")`,
		},
		{
			"a gateway endpoint that isn't wanted", func(t *testing.T) (*network, []string) {
				l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "s3"}}})
				return n, []string{"-endpoints", write(t, withGateway(t, l, "s3")), "-zone", home, "-interface-for", "dynamodb,s3"}
			}, []string{"s3: advice private-dns-off"}, inZone, "", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n, args := test.given(t)
			code, rep := examined(t, n, args...)
			wantCode := exitFine
			if slices.ContainsFunc(test.want, func(s string) bool { return strings.Contains(s, "problem") }) {
				wantCode = exitProblems
			}
			if got := found(rep); code != wantCode || !slices.Equal(got, test.want) && len(got)+len(test.want) > 0 {
				t.Errorf("got exit code %d and %q, want %d and %q", code, got, wantCode, test.want)
			}
			if len(rep.Endpoints) != 1 || rep.Endpoints[0].Verdict != test.verdict {
				t.Errorf("got the endpoints %+v, want one that is %q", rep.Endpoints, test.verdict)
			}
			if len(rep.Notes) > 0 {
				t.Errorf("got the notes %q, want none", rep.Notes)
			}
			said := slices.Concat(rep.Findings, rep.Endpoints[0].Findings)
			if len(said) > 0 && (!strings.Contains(said[0].What, test.what) || !strings.Contains(said[0].Do, test.do)) {
				t.Errorf("got %+v, want %q and %q in it", said[0], test.what, test.do)
			}
		})
	}
}

// failingDNS asks a server that answers SERVFAIL.
func failingDNS(t *testing.T) *net.Resolver {
	t.Helper()
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: packets, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
	})}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", packets.LocalAddr().String())
	}}
}

// withGateway is the VPC's list with a gateway endpoint for the service.
func withGateway(t *testing.T, l *lab.Lab, service string) []byte {
	t.Helper()
	const open = `"VpcEndpoints": [`
	before, after, ok := bytes.Cut(l.DescribeVpcEndpoints(), []byte(open))
	if !ok {
		t.Fatal("the lab's list has another form")
	}
	return slices.Concat(before, []byte(open+`{"VpcEndpointId": "vpce-0abcdef0123456789", "VpcEndpointType": "Gateway", "State": "available",
		"VpcId": "vpc-00000000000000001", "ServiceName": "com.amazonaws.us-east-1.`+service+`"},`), after)
}
