package lab_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// Given jitter with spikes, when many packets pass, then they are as late as it says on average, none is early, one in so many has the spike, and the
// same path of the same seed does it again.
func TestJitter(t *testing.T) {
	const packets = 100_000
	j := lab.Jitter{Mean: 100 * time.Microsecond, Spike: 10 * time.Millisecond, SpikeEvery: 1000, Seed: 7}
	late, again, other := j.Path(1), j.Path(1), j.Path(2)
	var sum time.Duration
	spikes, differ := 0, false
	for range packets {
		d := late()
		switch {
		case d < 0:
			t.Fatalf("a packet is early, by %v", -d)
		case d >= j.Spike:
			spikes++
		default:
			sum += d
		}
		if got := again(); got != d {
			t.Fatalf("the same path again: got %v, want %v", got, d)
		}
		differ = differ || other() != d
	}
	if mean := sum / time.Duration(packets-spikes); mean < 98*time.Microsecond || mean > 102*time.Microsecond {
		t.Errorf("got a mean of %v, want %v", mean, j.Mean)
	}
	if spikes < 70 || spikes > 130 {
		t.Errorf("%d packets have %d spikes, want some 100", packets, spikes)
	}
	if !differ {
		t.Error("another path is the same")
	}
	if d := (lab.Jitter{}).Path(1)(); d != 0 {
		t.Errorf("no jitter: got %v", d)
	}
}

// Given a lab whose packets are all 20 ms late, when a client calls, then that is what each of them is.
func TestCallsMeetJitter(t *testing.T) {
	const late = 20 * time.Millisecond
	l := start(t, lab.Options{Distance: lab.TypicalDistance, Jitter: lab.Jitter{Spike: late, SpikeEvery: 1}})
	c := stsAt(l.Config(), l.ZonalName("sts", home))
	must(c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	begin := time.Now()
	must(c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	if got := time.Since(begin); got < 2*late {
		t.Errorf("a call takes %v, want %v at least", got, 2*late)
	}
}
