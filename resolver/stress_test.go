package resolver_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// Given requests that come and go from everywhere while the mode changes, names
// are learned and somebody looks on, then every route is one that makes sense.
// The race detector sees the rest.
func TestEverythingAtOnce(t *testing.T) {
	log := &recorder{}
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), of("s3"), of("dynamodb")}, resolver.WithLogger(log.logger()))
	var all sync.WaitGroup
	start := func(f func(i int)) {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 1000 {
				f(i)
			}
		}()
	}
	for n := range 4 {
		start(func(i int) {
			front, service, asked := "", "sqs", "sqs"+region
			switch i % 5 {
			case 1:
				front, service = fmt.Sprintf("b%d.bucket.", i%700), "s3"
				asked = fmt.Sprintf("b%d.s3", i%700) + region
			case 2:
				service, asked = "dynamodb", accountID+".ddb"+region
			case 3:
				service = fmt.Sprintf("service%d", i%40)
				asked = regional(service)
			case 4:
				front, service = "photos.bucket.", "s3"
				asked = front + regional(service)
			}
			route := r.Resolve(asked)
			if route.Target == resolver.Zonal && route.Observed == "" && route.Host != front+zonal(service) ||
				route.Target == resolver.Regional && route.Observed == "" && route.Host != front+regional(service) ||
				(route.Target == resolver.Unmatched || route.Observed != "") && route.Host != asked {
				t.Errorf("%s: got %+v", asked, route)
			}
			switch (i + n) % 7 {
			case 0, 1, 2:
				route.Failed(resolver.CauseConnect, nil)
			case 3:
				route.Failed(resolver.CauseAbsent, nil)
			default:
				route.Answered()
			}
		})
	}
	start(func(i int) {
		if i%10 == 0 {
			r.SetMode(resolver.Mode(i / 10 % 3))
		}
	})
	start(func(i int) {
		if i%10 == 0 {
			r.Snapshot()
		}
	})
	start(func(i int) {
		if i == 500 {
			r.Close()
		}
	})
	all.Wait()
}

// Nothing is logged without a logger, not even by the default one.
func TestSilence(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	log := &recorder{}
	slog.SetDefault(log.logger())
	r := newResolver(t, inA, []endpoint.Endpoint{of("sqs"), of("sqs")})
	r.Resolve("sqs"+region).Failed(resolver.CauseAbsent, nil)
	r.SetMode(resolver.Off)
	if got := log.String(); got != "" {
		t.Errorf("got %s", got)
	}
}

// Whatever host is asked about, it comes back as it is, or as a name of an
// endpoint that is known, fit for DNS.
func FuzzResolve(f *testing.F) {
	catalog := []endpoint.Endpoint{of("sqs"), of("s3"), of("dynamodb"), of("kinesis"), of("api.ecr"), of("data.iot"), of("sts")}
	for _, host := range []string{
		"", ".", "..", "sqs" + region, "sqs" + region + ".", "photos.s3" + region, "..s3" + region, "a.b.s3" + region, "s3" + region,
		accountID + ".ddb" + region, accountID + ".control-kinesis" + region, accountID + ".s3-control" + region, "r-" + accountID + ".s3-accesspoint" + region,
		regional("sqs"), "x." + regional("sqs"), zonal("sqs"), "photos.bucket." + regional("s3"), regional("sns"), "sync-" + regional("states"), "x." + regional("sns") + ".",
		"photos--use1-az4--x-s3.s3express-use1-az4" + region, "sts.amazonaws.com", "[::1]:443", "10.0.0.1", "SQS" + region, "sqs" + region + ":443",
		strings.Repeat("a.", 110) + "s3" + region, strings.Repeat("a", 64) + ".s3" + region, ".vpce.", "vpce-.vpce.", "\x00.s3" + region, "é.s3" + region,
	} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, asked string) {
		r := newResolver(t, inA, catalog)
		first, again := r.Resolve(asked), r.Resolve(asked)
		if first.Host != again.Host || first.Fallback != again.Fallback || first.Reason != again.Reason {
			t.Errorf("got %+v, then %+v", first, again)
		}
		for _, name := range []string{first.Host, first.Fallback} {
			if name != asked && name != "" && !isKnown(name, strings.ToLower(strings.TrimSuffix(asked, "."))) {
				t.Errorf("%q: got %q, which isn't a name of an endpoint", asked, name)
			}
		}
		if first.Host == "" && asked != "" {
			t.Errorf("%q: got no host", asked)
		}
		r.SetMode(resolver.Observe)
		if got := r.Resolve(asked); got.Host != asked || got.Observed != "" && got.Observed != first.Host {
			t.Errorf("%q, observed: got %+v, want what was %q", asked, got, first.Host)
		}
	})
}

// isKnown reports whether a name is fit for DNS, and one of the fuzzed catalogue's
// endpoints, or of the endpoint that was asked about.
func isKnown(name, asked string) bool {
	if len(name) > 253 {
		return false
	}
	for _, label := range strings.Split(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	for _, service := range []string{"sqs", "s3", "dynamodb", "kinesis", "api.ecr", "data.iot", "sts"} {
		for _, tail := range []string{zonal(service), regional(service)} {
			if name == tail || strings.HasSuffix(name, "."+tail) {
				return true
			}
		}
	}
	_, suffix, isVPCE := strings.Cut(asked, ".vpce.")
	return isVPCE && strings.HasSuffix(name, ".vpce."+suffix)
}
