//go:build go1.25

package discovery

import (
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// bucket is the token bucket that EC2 keeps for each action, account and Region,
// with what is documented for Describe actions: 100 tokens, and 20 more a second
// ("Request throttling for the Amazon EC2 API", Non-mutating actions). The table
// of actions with buckets of their own has neither of the two that are used here.
type bucket struct {
	tokens float64
	at     time.Time
	// minutes counts the calls, refused ones too, from the first on.
	start          time.Time
	minutes        []int
	calls, refused int
	lastRefused    time.Duration // since start
}

const (
	bucketSize = 100
	refill     = 20 // a second
)

func (b *bucket) take() error {
	now := time.Now()
	if b.start.IsZero() {
		b.start, b.at, b.tokens = now, now, bucketSize
	}
	minute := int(now.Sub(b.start) / time.Minute)
	for len(b.minutes) <= minute {
		b.minutes = append(b.minutes, 0)
	}
	b.minutes[minute]++
	b.calls++
	b.tokens = min(bucketSize, b.tokens+refill*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		b.refused++
		b.lastRefused = now.Sub(b.start)
		return &smithy.GenericAPIError{Code: "RequestLimitExceeded"}
	}
	b.tokens--
	return nil
}

// account is an EC2 that throttles.
type account struct{ endpoints, zones bucket }

func (a *account) DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error) {
	if err := a.endpoints.take(); err != nil {
		return nil, err
	}
	id, kind, in, name := "vpce-0aaaaaaaaaaaaaaa1", types.VpcEndpointTypeInterface, vpc, "vpce-0aaaaaaaaaaaaaaa1-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: []types.VpcEndpoint{{
		VpcEndpointId: &id, VpcEndpointType: kind, VpcId: &in, State: "available", DnsEntries: []types.DnsEntry{{DnsName: &name}},
	}}}, nil
}

func (a *account) DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error) {
	if err := a.zones.take(); err != nil {
		return nil, err
	}
	id, name := "use1-az4", "us-east-1a"
	return &ec2.DescribeAvailabilityZonesOutput{AvailabilityZones: []types.AvailabilityZone{{ZoneId: &id, ZoneName: &name}}}, nil
}

// fleet is n processes that start within a time, each with a resolver.
type fleet struct {
	n       int
	startIn time.Duration
	spread  time.Duration
	refresh time.Duration
	hasty   bool // asks again within seconds whatever the source says
}

// next is a resolver's refresh, give or take a tenth.
func (f fleet) next() time.Duration { return f.refresh - f.refresh/10 + rand.N(f.refresh/5) }

// doubling is a second, then ever more up to five minutes, each less up to half:
// what a resolver does after an error that doesn't say when to ask again.
func doubling(nth int) time.Duration {
	pause := min(time.Second<<min(nth, 20), 5*time.Minute)
	return pause - rand.N(pause/2)
}

type turn struct {
	at     time.Time
	source *Source
	failed int // times in a row
	knows  bool
}

type turns []turn

func (t turns) Len() int           { return len(t) }
func (t turns) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t turns) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (*turns) Push(any)            {}
func (*turns) Pop() any            { return nil }

// run lets the fleet ask for an hour, and says when the last of its processes knew
// the endpoints. One goroutine takes all the turns: the race detector can't watch
// 10,000 at a time.
func (f fleet) run(t *testing.T) (*account, time.Duration) {
	t.Helper()
	ec2, known := &account{}, time.Duration(0)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var queue turns
		for range f.n {
			s, err := NewFromClient(ec2, WithVPC(vpc), WithSpread(f.spread))
			if err != nil {
				t.Fatal(err)
			}
			first, err := s.Answer(t.Context(), false)
			if !errors.Is(err, endpoint.ErrWouldBlock) {
				t.Fatal(err)
			}
			at := start.Add(rand.N(f.startIn + 1))
			if !first.Until.IsZero() {
				at = at.Add(time.Until(first.Until))
			}
			queue = append(queue, turn{at: at, source: s})
		}
		heap.Init(&queue)
		for ignorant := f.n; queue[0].at.Sub(start) < time.Hour; heap.Fix(&queue, 0) {
			next := &queue[0]
			time.Sleep(time.Until(next.at))
			answer, err := next.source.Answer(t.Context(), true)
			switch {
			case err == nil:
				next.failed, next.at = 0, time.Now().Add(f.next())
			case f.hasty || answer.Until.IsZero():
				next.at = time.Now().Add(doubling(next.failed))
				next.failed++
			default:
				next.at = answer.Until
			}
			if err == nil && !next.knows {
				next.knows = true
				if ignorant--; ignorant == 0 {
					known = time.Since(start)
				}
			}
		}
	})
	return ec2, known
}

// Given a fleet, when its processes start together and refresh as a resolver does,
// then EC2 sees this. Figures of a run are in the log (-v).
func TestSizing(t *testing.T) {
	const (
		bears   = 60*refill + bucketSize // calls that the bucket can't refuse in any minute
		minutes = time.Minute
	)
	for _, tt := range []struct {
		name          string
		fleet         fleet
		worst         int // most calls in any minute; 0: the policy is here for comparison
		refused       int
		known, steady time.Duration // until all know the endpoints; until no call is refused any more
	}{
		{"300 by default", fleet{300, 0, defaultSpread, 10 * minutes, false}, 300, 0, defaultSpread, 0},
		{"6,000 with their spread", fleet{6_000, 0, 375 * time.Second, 10 * minutes, false}, bears, 0, 375 * time.Second, 0},
		{"10,000 with their spread and refresh", fleet{10_000, 0, 10 * minutes, 17 * minutes, false}, bears, 0, 10 * minutes, 0},
		{"10,000 started within a minute", fleet{10_000, minutes, 10 * minutes, 17 * minutes, false}, bears, 0, 11 * minutes, 0},
		{"10,000 with their spread alone", fleet{10_000, 0, 10 * minutes, 10 * minutes, false}, 1_400, 500, 45 * minutes, 60 * minutes},
		{"10,000 by default", fleet{10_000, minutes, defaultSpread, 10 * minutes, false}, 11_000, 10_000, 45 * minutes, 45 * minutes},
		{"10,000 at once", fleet{10_000, minutes, 0, 10 * minutes, false}, 11_000, 10_000, 45 * minutes, 45 * minutes},
		{"10,000 at once, and again within seconds", fleet{10_000, minutes, 0, 10 * minutes, true}, 0, 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ec2, known := tt.fleet.run(t)
			b := &ec2.endpoints
			t.Logf("all know after %v; %d calls in an hour, %d of them refused, the last after %v; per minute: %v",
				known.Round(time.Second), b.calls, b.refused, b.lastRefused.Round(time.Second), b.minutes)
			if tt.worst == 0 {
				return
			}
			if worst := slices.Max(b.minutes); worst > tt.worst || b.refused > tt.refused {
				t.Errorf("got %d calls in the worst minute and %d refused, want %d and %d at most", worst, b.refused, tt.worst, tt.refused)
			}
			if known == 0 || known > tt.known {
				t.Errorf("all know after %v, want %v at most", known, tt.known)
			}
			if b.lastRefused > tt.steady {
				t.Errorf("a call is refused after %v, want none after %v", b.lastRefused, tt.steady)
			}
			// Both actions have buckets of their own; the zones are asked for once.
			if ec2.zones.refused > 0 || ec2.zones.calls != tt.fleet.n {
				t.Errorf("the zones were asked for %d times, %d refused, want %d and 0", ec2.zones.calls, ec2.zones.refused, tt.fleet.n)
			}
		})
	}
}

// Given no options, then the first call is at a random moment within 15 seconds;
// given a spread, within that.
func TestFirstCall(t *testing.T) {
	for _, tt := range []struct {
		opts []Option
		want time.Duration
	}{{nil, 15 * time.Second}, {[]Option{WithSpread(time.Hour)}, time.Hour}, {[]Option{WithSpread(0)}, 0}} {
		synctest.Test(t, func(t *testing.T) {
			s, err := NewFromClient(&account{}, tt.opts...)
			if err != nil {
				t.Fatal(err)
			}
			var earliest, latest time.Duration
			for i := range 200 {
				a, err := s.Answer(t.Context(), false)
				if !errors.Is(err, endpoint.ErrWouldBlock) || a.Source != "ec2" {
					t.Fatalf("got %+v, %v, want only to be told when to ask ec2", a, err)
				}
				pause := max(0, time.Until(a.Until))
				if i == 0 {
					earliest = pause
				}
				earliest, latest = min(earliest, pause), max(latest, pause)
			}
			if latest > tt.want || latest < tt.want*9/10 || earliest > tt.want/10 {
				t.Errorf("200 first calls: from %v to %v, want them all over %v", earliest, latest, tt.want)
			}
		})
	}
}
