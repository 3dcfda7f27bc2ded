package resolver_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// listed is what aws ec2 describe-vpc-endpoints prints of the endpoints, with what nobody
// reads of it.
func listed(endpoints []endpoint.Endpoint) string {
	var all []any
	for i, e := range endpoints {
		id, service := strings.TrimPrefix(e.Regional, "*.")[:22], strings.TrimPrefix(e.Regional, "*.")[32:]
		service, _, _ = strings.Cut(service, ".us-east-1.")
		names := []map[string]string{{"DnsName": e.Regional, "HostedZoneId": "Z7HUB22UULQXV"}}
		for _, n := range e.Zonal {
			names = append(names, map[string]string{"DnsName": n, "HostedZoneId": "Z7HUB22UULQXV"})
		}
		for _, n := range e.Hosts {
			names = append(names, map[string]string{"DnsName": n, "HostedZoneId": "Z0123456789ABCDEFGHIJ"})
		}
		all = append(all, map[string]any{
			"VpcEndpointId": id, "VpcEndpointType": "Interface", "VpcId": "vpc-0a1b2c3d4e5f60718", "ServiceName": "com.amazonaws.us-east-1." + service,
			"State": "available", "PolicyDocument": strings.Repeat(`{"Statement":[{"Action":"*"}]}`, 5), "RouteTableIds": []string{},
			"SubnetIds":     []string{"subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719", "subnet-0a1b2c3d4e5f60720"},
			"Groups":        []any{map[string]string{"GroupId": "sg-0a1b2c3d4e5f60718", "GroupName": "endpoints"}},
			"IpAddressType": "ipv4", "PrivateDnsEnabled": len(e.Hosts) > 0, "RequesterManaged": false,
			"NetworkInterfaceIds": []string{"eni-0a1b2c3d4e5f60718", "eni-0a1b2c3d4e5f60719", "eni-0a1b2c3d4e5f60720"},
			"DnsEntries":          names, "CreationTimestamp": "2024-05-06T07:08:09.123000+00:00", "OwnerId": "123456789012",
			"Tags": []any{map[string]string{"Key": "Name", "Value": fmt.Sprintf("endpoint %d", i)}},
		})
	}
	content, err := json.MarshalIndent(map[string]any{"VpcEndpoints": all}, "", "    ")
	if err != nil {
		panic(err)
	}
	return string(content)
}

// withHosts gives each endpoint the private DNS name that AWS would.
func withHosts(endpoints []endpoint.Endpoint) []endpoint.Endpoint {
	for i := range endpoints {
		_, tail, _ := strings.Cut(strings.TrimPrefix(endpoints[i].Regional, "*."), ".")
		endpoints[i].Hosts = []string{strings.Replace(tail, ".vpce.", ".", 1)}
		endpoints[i].PrivateDNS = true
	}
	return endpoints
}

func written(tb testing.TB, content string) endpoint.Source {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "endpoints.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return endpoint.File(path)
}

// start makes a resolver in us-east-1b, again and again.
func start(b *testing.B, source func() endpoint.Source) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1b"})), resolver.WithEndpoints(source()))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		r.Close()
		b.StartTimer()
	}
}

// BenchmarkStart is New with a thousand endpoints.
func BenchmarkStart(b *testing.B) {
	endpoints := withHosts(largeCatalog(1000))
	file := written(b, listed(endpoints))
	b.Run("file", func(b *testing.B) { start(b, func() endpoint.Source { return file }) })
	b.Run("code", func(b *testing.B) {
		start(b, func() endpoint.Source { return endpoint.Static(endpoints...) })
	})
}

// BenchmarkChange is a change of the mode and back.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newBenchResolver(b, n)
			b.ReportAllocs()
			for b.Loop() {
				r.SetMode(resolver.Observe)
				r.SetMode(resolver.Prefer)
			}
		})
	}
}

// BenchmarkBuckets asks for as many buckets as it says, each for the first time since a
// change of the mode.
func BenchmarkBuckets(b *testing.B) {
	for _, n := range []int{500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newBenchResolver(b, 2)
			hosts := make([]string, n)
			for i := range hosts {
				hosts[i] = fmt.Sprintf("bucket%d.s3.us-east-1.amazonaws.com", i)
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				r.SetMode(resolver.Observe)
				r.SetMode(resolver.Prefer)
				b.StartTimer()
				for _, h := range hosts {
					r.Resolve(h)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/host")
		})
	}
}

// BenchmarkHostile is New with files and variables that are as large as may be, and made
// to be slow. Each should take less than a second.
func BenchmarkHostile(b *testing.B) {
	const full, most = 16 << 20, 20_000
	one := largeCatalog(1)
	fill := func(size int, format string) (all []string) {
		for n := 0; n < size; n += len(all[len(all)-1]) + 1 {
			all = append(all, fmt.Sprintf(format, len(all)))
		}
		return all
	}
	dns := func(size int, format string) string { return strings.Join(fill(size, `{"DnsName":"`+format+`"}`), ",") }
	entry := func(entries string) string {
		return `{"VpcEndpointType":"Interface","State":"available","VpcId":"vpc-1","DnsEntries":[{"DnsName":"` + one[0].Regional + `"},` + entries + `]}`
	}
	list := func(entries ...string) string { return `{"VpcEndpoints":[` + strings.Join(entries, ",") + `]}` }
	vpce := "vpce-0a1b2c3d4e5f60718-lj2wisx3"
	for _, input := range []struct {
		name string
		make func() string
	}{
		{"endpoints", func() string { return listed(largeCatalog(5700)) }},
		{"short endpoints", func() string {
			return list(fill(full-100, `{"VpcEndpointType":"Interface","State":"available","DnsEntries":[{"DnsName":"vpce-%08d-a.a.a-b-1.vpce.a.b"}]}`)...)
		}},
		{"private names", func() string { return list(entry(dns(full-1000, "a%d.us-east-1.amazonaws.com"))) }},
		{"private names, one each", func() string {
			return list(fill(full-100, `{"VpcEndpointType":"Interface","State":"available","PrivateDnsEnabled":true,"DnsEntries":[{"DnsName":"vpce-%08d-a.sqs.a-b-1.vpce.a.b"},{"DnsName":"sqs.a-b-1.a.b"}]}`)...)
		}},
		{"S3 names", func() string { return list(entry(dns(full-1000, "*.s3.a%d.us-east-1.amazonaws.com"))) }},
		{"zonal names", func() string {
			return list(entry(dns(full-1000, vpce+"-us-east-1-%d.sqs.us-east-1.vpce.amazonaws.com")))
		}},
		{"odd names", func() string { return list(entry(dns(full-1000, "%d.vpce."))) }},
		{"odd private names", func() string { return list(entry(dns(full-1000, "_%d"))) }},
		{"odd endpoints", func() string { return `{"VpcEndpoints":[` + strings.Repeat("1,", 1<<20-100) + `1]}` }},
		{"names for one", func() string {
			return list(fill(full-100, `{"VpcEndpointType":"Interface","State":"available","DnsEntries":[{"DnsName":"vpce-0a1b2c3d4e5f60718-a%d.sqs.us-east-1.vpce.amazonaws.com"}]}`)...)
		}},
		{"gateways", func() string {
			return list(fill(full-100, `{"VpcEndpointType":"Gateway","State":"available","ServiceName":"%d"}`)...)
		}},
		{"zones", func() string {
			return `{"AvailabilityZones":[` + strings.Join(fill(full-100, `{"ZoneId":"z%[1]d","ZoneName":"us-east-1-%[1]d"}`), ",") + `]}`
		}},
		{"zones that may be", func() string {
			return `{"AvailabilityZones":[` + strings.Join(fill(full-100, `{"ZoneId":"z%[1]d","ZoneName":"us-east-1-%[1]d"}`)[:most], ",") + `]}`
		}},
		{"odd zones", func() string {
			return `{"AvailabilityZones":[{"ZoneId":"use1-az6","ZoneName":"us-east-1a"},` + strings.Repeat("{},", 1<<19-100) + `{}]}`
		}},
		{"subnets", func() string {
			return `{"Subnets":[` + strings.Join(fill(full-100, `{"CidrBlock":"fd00:0:0:%x::/64","AvailabilityZoneId":"use1-az6"}`), ",") + `]}`
		}},
		{"odd subnets", func() string {
			return `{"Subnets":[{"CidrBlock":"10.0.0.0/24"},` + strings.Repeat(`{"CidrBlock":"1"},`, 1<<19-10) + `{}]}`
		}},
		{"values", func() string { return strings.Repeat(`{"VpcEndpoints":[]}`, 100) }},
		{"deep", func() string { return strings.Repeat("[", full) }},
		{"deep in many", func() string {
			return list(entry(strings.TrimSuffix(strings.Repeat(strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+",", full/18001-1), ",")))
		}},
		{"one string", func() string { return list(`{"PolicyDocument":"` + strings.Repeat("a", full-100) + `"}`) }},
		{"one name", func() string { return list(entry(`{"DnsName":"` + strings.Repeat("a.", full/2-200) + `"}`)) }},
		{"one vpce name", func() string { return list(entry(`{"DnsName":"` + strings.Repeat("a.", full/2-300) + `vpce.a"}`)) }},
		{"escapes", func() string { return list(entry(`{"DnsName":"` + strings.Repeat(`\u0061`, full/6-100) + `"}`)) }},
		{"fields", func() string { return list("{" + strings.Join(fill(full-100, `"DNSENTRIES%d":0`), ",") + "}") }},
		{"fields again", func() string {
			return list("{" + strings.TrimSuffix(strings.Repeat(`"DnsEntries":[],`, full/16-10), ",") + "}")
		}},
		{"white space", func() string { return strings.Repeat(" ", full-100) + list() }},
		{"marks", func() string { return strings.Repeat("\ufeff", full/3-100) + list() }},
		{"UTF-16", func() string {
			units := utf16.Encode([]rune("\ufeff" + list(entry(dns(full/2-1000, "a%d.us-east-1.amazonaws.com")))))
			var s strings.Builder
			for _, u := range units {
				s.Write([]byte{byte(u), byte(u >> 8)})
			}
			return s.String()
		}},
		{"UTF-16, surrogates", func() string { return "\xff\xfe" + strings.Repeat("\x00\xd8", full/2-1) }},
	} {
		b.Run(strings.ReplaceAll(input.name, " ", "_"), func(b *testing.B) {
			content := input.make()
			if len(content) > full {
				b.Fatalf("%d bytes are too many", len(content)-full)
			}
			file := written(b, content)
			var err error
			for b.Loop() {
				var r *resolver.Resolver
				if r, err = resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1b"})), resolver.WithEndpoints(file)); err == nil {
					r.Close()
				}
			}
			if err != nil {
				b.Log(err.Error()[:min(200, len(err.Error()))])
			}
		})
	}
	for _, input := range []struct {
		name string
		list []string
	}{
		{"endpoints", fill(1<<20, "vpce-%08d-a.sqs.us-east-1.vpce.amazonaws.com")},
		{"private names", append(fill(60<<10, "vpce-%08d-a.sqs.us-east-1.vpce.amazonaws.com"), fill(60<<10, "a%d.us-east-1.amazonaws.com")...)},
		{"private names first", append(fill(60<<10, "a%d.us-east-1.amazonaws.com"), fill(60<<10, "vpce-%08d-a.sqs.us-east-1.vpce.amazonaws.com")...)},
	} {
		b.Run("environment/"+strings.ReplaceAll(input.name, " ", "_"), func(b *testing.B) {
			list := strings.Join(input.list, ",")
			b.Setenv(endpoint.EnvEndpoints, list[:strings.LastIndexByte(list[:min(len(list), 128<<10-100)], ',')]) // Linux's limit
			for b.Loop() {
				if r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1b"}))); err == nil {
					r.Close()
				} else {
					b.Log(err.Error()[:200])
				}
			}
		})
	}
}
