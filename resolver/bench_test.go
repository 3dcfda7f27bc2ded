package resolver_test

import (
	"fmt"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// largeCatalog has n endpoints with names in six zones; the first two are SQS's
// and S3's.
func largeCatalog(n int) []endpoint.Endpoint {
	endpoints := make([]endpoint.Endpoint, n)
	for i := range endpoints {
		service, star := fmt.Sprintf("service%d", i), ""
		switch i {
		case 0:
			service = "sqs"
		case 1:
			service, star = "s3", "*."
		}
		e := endpoint.Endpoint{
			Regional: fmt.Sprintf("%svpce-%017x-abcdefgh.%s.us-east-1.vpce.amazonaws.com", star, i, service),
			Zonal:    map[string]string{},
		}
		for _, z := range []string{"a", "b", "c", "d", "e", "f"} {
			name := "us-east-1" + z
			e.Zonal[name] = fmt.Sprintf("%svpce-%017x-abcdefgh-%s.%s.us-east-1.vpce.amazonaws.com", star, i, name, service)
		}
		endpoints[i] = e
	}
	return endpoints
}

func newBenchResolver(b testing.TB, n int) *resolver.Resolver {
	b.Helper()
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1b"})),
		resolver.WithEndpoints(endpoint.Static(largeCatalog(n)...)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	return r
}

var benchHosts = map[string]string{
	"exact":     "sqs.us-east-1.amazonaws.com",
	"bucket":    "photos.s3.us-east-1.amazonaws.com",
	"unmatched": "lambda.us-east-1.amazonaws.com",
}

func BenchmarkResolve(b *testing.B) {
	r := newBenchResolver(b, 1000)
	for _, name := range []string{"exact", "bucket", "unmatched"} {
		host := benchHosts[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Resolve(host)
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r.Resolve(host)
				}
			})
		})
	}
}

// BenchmarkReport is what a request costs that is answered.
func BenchmarkReport(b *testing.B) {
	r := newBenchResolver(b, 1000)
	for _, name := range []string{"exact", "bucket"} {
		host := benchHosts[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				route := r.Resolve(host)
				route.Sent()
				route.Answered()
			}
		})
	}
}

// BenchmarkLearn asks for 256 regional names that no catalogue has, beside a thousand
// endpoints, and then for as many more than are remembered.
func BenchmarkLearn(b *testing.B) {
	names := make([]string, 512)
	for i := range names {
		names[i] = numbered(i)
	}
	for name, asked := range map[string][]string{"first": names[:256], "beyond": names[256:]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				r := newBenchResolver(b, 1000)
				if name == "beyond" {
					for _, host := range names[:256] {
						r.Resolve(host)
					}
				}
				b.StartTimer()
				for _, host := range asked {
					r.Resolve(host)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(asked)), "ns/name")
		})
	}
	b.Run("again", func(b *testing.B) {
		r := newBenchResolver(b, 1000)
		b.ReportAllocs()
		for b.Loop() {
			r.Resolve(names[0])
		}
	})
}

func TestResolveAllocates(t *testing.T) {
	r := newBenchResolver(t, 1000)
	for name, want := range map[string]float64{"exact": 0, "bucket": 0, "unmatched": 0} {
		host := benchHosts[name]
		if got := testing.AllocsPerRun(100, func() {
			route := r.Resolve(host)
			route.Sent()
			route.Answered()
			route.FailedOver(resolver.CauseConnect).Answered()
			route.Proven()
		}); got > want {
			t.Errorf("%s: %s: got %v allocations, want at most %v", name, host, got, want)
		}
	}
}
