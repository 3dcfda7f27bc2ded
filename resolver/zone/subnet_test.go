package zone

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func prefixes(blocks ...string) (all []netip.Prefix) {
	for _, b := range blocks {
		all = append(all, netip.MustParsePrefix(b))
	}
	return all
}

// Given tasks with and without a network interface of their own, then their subnets are known; whatever stands in a subnet's
// place, the zone is.
func TestECSSubnets(t *testing.T) {
	const network = `{"NetworkMode": "awsvpc", "IPv4Addresses": ["192.0.2.3"], "IPv4SubnetCIDRBlock": "192.0.2.0/24", ` +
		`"IPv6SubnetCIDRBlock": "2600:1f14:30ab:6902::/64", "SubnetGatewayIpv4Address": "192.0.2.1/24"}`
	both := prefixes("192.0.2.0/24", "2600:1f14:30ab:6902::/64")
	for _, c := range []struct {
		name, containers string
		want             []netip.Prefix
	}{
		{"IPv4 and IPv6", `[{"Name": "shop", "Networks": [` + network + `], "Labels": {"a": "b"}}]`, both},
		{"two containers of one task", `[{"Networks": [` + network + `]}, {"Networks": [` + network + `]}]`, both},
		{"a bridge", `[{"Networks": [{"NetworkMode": "bridge", "IPv4Addresses": ["172.17.0.2"]}]}]`, nil},
		{"no containers", `[]`, nil},
		{"no list of containers", `{"Networks": [` + network + `]}`, nil},
		{"null", `null`, nil},
		{"no list of networks", `[{"Networks": ` + network + `}]`, nil},
		{"a block in the wrong place", `[{"Labels": {"IPv4SubnetCIDRBlock": "192.0.2.0/24"}, "Networks": [{"x": ` + network + `}]}]`, nil},
		{"not a block", `[{"Networks": [{"IPv4SubnetCIDRBlock": "192.0.2.0"}, {"IPv4SubnetCIDRBlock": 7}, {"IPv4SubnetCIDRBlock": ["192.0.2.0/24"]}]}]`, nil},
		{"no subnet's size", `[{"Networks": [{"IPv4SubnetCIDRBlock": "0.0.0.0/0", "IPv6SubnetCIDRBlock": "2600::/12"}]}]`, nil},
		{"IPv4 in IPv6", `[{"Networks": [{"IPv6SubnetCIDRBlock": "::ffff:192.0.2.0/60"}]}]`, nil},
		{"a hundred", `[` + strings.Repeat(`{"Networks": [`+network+`]}, `, 100) + `{}]`, both},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			fakeECS(t, `{"Containers": `+c.containers+`, "AvailabilityZone": "us-west-2d"}`)
			got, err := Ask(t.Context(), ECS(patient))
			wantAnswer(t, got, err, Answer{Zone: Zone{Name: "us-west-2d"}, Subnets: c.want, Source: "ecs"}, "")
		})
	}
}

const (
	macPath  = "/latest/meta-data/mac"
	cardPath = "/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/"
)

// Given an instance's metadata, then the primary interface's subnet is known, as far as it is there; without it the zone is.
func TestIMDSSubnets(t *testing.T) {
	mac := answerWith(200, "0e:49:61:0f:c3:11")
	four, six := answerWith(200, "10.0.1.0/24"), answerWith(200, "2600:1f14:30ab:6902::/64\n2600:1f14:30ab:6903::/64\n")
	for _, c := range []struct {
		name           string
		mac, four, six http.HandlerFunc
		want           []netip.Prefix
	}{
		{"IPv4 and IPv6", mac, four, six, prefixes("10.0.1.0/24", "2600:1f14:30ab:6902::/64", "2600:1f14:30ab:6903::/64")},
		{"IPv4", mac, four, http.NotFound, prefixes("10.0.1.0/24")},
		{"IPv6", mac, http.NotFound, six, prefixes("2600:1f14:30ab:6902::/64", "2600:1f14:30ab:6903::/64")},
		{"none", mac, http.NotFound, http.NotFound, nil},
		{"no MAC address", http.NotFound, four, six, nil},
		{"a path for a MAC address", answerWith(200, "../../user-data"), four, six, nil},
		{"an error", mac, answerWith(500, "10.0.1.0/24"), six, nil},
		{"a page", mac, answerWith(200, "<html>10.0.1.0/24"), http.NotFound, nil},
		{"everything", mac, answerWith(200, "0.0.0.0/0"), answerWith(200, "::/0"), nil},
		{"10 MB", mac, answerWith(200, strings.Repeat("10.0.1.0/24 ", 1<<20)), six, nil},
		{"a connection that breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, four, six, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			source := patientIMDS()
			newFakeIMDS(t, map[string]http.HandlerFunc{
				macPath: c.mac, cardPath + "subnet-ipv4-cidr-block": c.four, cardPath + "subnet-ipv6-cidr-blocks": c.six,
			})
			got, err := Ask(t.Context(), source)
			wantAnswer(t, got, err, Answer{Zone: Zone{Name: "us-east-1a", ID: "use1-az6"}, Subnets: c.want, Source: "imds"}, "")
		})
	}
}

// Given an instance whose metadata stops answering when the zone is known, then the zone is the answer all the same.
func TestIMDSThatStopsAfterTheZone(t *testing.T) {
	bareEnvironment(t)
	newFakeIMDS(t, map[string]http.HandlerFunc{macPath: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	got, err := Ask(t.Context(), imdsSource(newConfig([]Option{WithTimeout(2 * time.Second)}), nil))
	wantAnswer(t, got, err, Answer{Zone: Zone{Name: "us-east-1a", ID: "use1-az6"}, Source: "imds"}, "")
}

func FuzzSubnets(f *testing.F) {
	f.Add("10.0.1.0/24 2600:1f14:30ab:6902::/64")
	f.Add("::ffff:10.0.0.0/60 10.0.0.1/33 fe80::1%eth0/64")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parseSubnets(strings.Fields(text)) {
			if !p.IsValid() || p != p.Masked() || p.Bits() < 16 {
				t.Errorf("%q: got %s", text, p)
			}
		}
	})
}
