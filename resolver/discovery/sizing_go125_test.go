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

// asker is how often an instance asks: what a resolver does with a source.
type asker struct {
	startIn time.Duration                          // all instances start within this time
	delay   func() time.Duration                   // before the first ask
	refresh func() time.Duration                   // after an answer
	retry   func(nth int, err error) time.Duration // after a failure
}

func upTo(d time.Duration) func() time.Duration {
	return func() time.Duration { return rand.N(d + 1) }
}

func tenMinutes() time.Duration { return 9*time.Minute + rand.N(2*time.Minute) }

// doubling is a second, then ever more up to five minutes, each less up to half.
func doubling(nth int, _ error) time.Duration {
	pause := min(time.Second<<min(nth, 20), 5*time.Minute)
	return pause - rand.N(pause/2)
}

func afterwards(nth int, err error) time.Duration {
	var later interface{ RetryAfter() time.Duration }
	if errors.As(err, &later) {
		return later.RetryAfter()
	}
	return doubling(nth, err)
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

// run lets n instances ask for an hour, and says when the last of them knew the
// endpoints. One goroutine takes all the turns: the race detector can't watch
// 10,000 at a time.
func (a asker) run(t *testing.T, n int) (*account, time.Duration) {
	t.Helper()
	ec2, known := &account{}, time.Duration(0)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var queue turns
		for range n {
			s, err := NewFromClient(ec2, WithVPC(vpc))
			if err != nil {
				t.Fatal(err)
			}
			queue = append(queue, turn{at: start.Add(rand.N(a.startIn) + a.delay()), source: s})
		}
		heap.Init(&queue)
		for ignorant := n; queue[0].at.Sub(start) < time.Hour; heap.Fix(&queue, 0) {
			next := &queue[0]
			time.Sleep(time.Until(next.at))
			if _, err := next.source.Endpoints(t.Context()); err != nil {
				next.at = time.Now().Add(a.retry(next.failed, err))
				next.failed++
				continue
			}
			if !next.knows {
				next.knows = true
				if ignorant--; ignorant == 0 {
					known = time.Since(start)
				}
			}
			next.failed = 0
			next.at = time.Now().Add(a.refresh())
		}
	})
	return ec2, known
}

// Given 10,000 instances that start within a minute, when each asks by one of
// these policies, then EC2 sees this. Figures of a run are in the log (-v).
func TestSizing(t *testing.T) {
	const (
		n        = 10_000
		interval = 10 * time.Minute
		bears    = 60*refill + bucketSize // calls that the bucket can't refuse in any minute
	)
	for _, tt := range []struct {
		name          string
		asker         asker
		worst         int // most calls in any minute; 0: the policy is here for comparison
		refused       int
		known, steady time.Duration // until all know the endpoints; until no call is refused any more
	}{
		{"at once, and again within seconds", asker{time.Minute, upTo(0), tenMinutes, doubling}, 0, 0, 0, 0},
		{"at once, and again when the error says", asker{time.Minute, upTo(0), tenMinutes, afterwards}, n + n/20, n, 45 * time.Minute, 45 * time.Minute},
		{"the default: first within ten minutes", asker{time.Minute, upTo(defaultSpread), tenMinutes, afterwards}, bears, 0, interval + time.Minute, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ec2, known := tt.asker.run(t, n)
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
			if ec2.zones.refused > 0 || ec2.zones.calls != n {
				t.Errorf("the zones were asked for %d times, %d refused, want %d and 0", ec2.zones.calls, ec2.zones.refused, n)
			}
		})
	}
}
