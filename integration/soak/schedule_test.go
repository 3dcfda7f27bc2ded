package soak

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const home = "us-east-1a"

var (
	zones    = []string{home, home, "us-east-1b", "us-east-1c"}         // home as often as the others together
	services = []string{"", "", "", "", "s3", "dynamodb", "sqs", "sts"} // half of the faults are all services'
)

// spell is a fault that comes and goes.
type spell struct {
	quiet, length time.Duration // before it; of it
	fault         lab.Fault
	zone, service string // service "" is all of them

	from, to time.Time // when it was there
}

func (s *spell) String() string {
	return fmt.Sprintf("%v in %s, %s, for %v", s.fault, s.zone, cmp.Or(s.service, "all services"), s.length.Round(time.Millisecond))
}

// kinds are the faults there are, and how long they may last at the most. What takes a request and doesn't answer, while its
// server can be connected to, is a slow service, which is left alone: calls last as long as it does.
var kinds = []struct {
	fault  func(*rand.Rand) lab.Fault
	length time.Duration
}{
	{is(lab.Refuse), 8 * time.Second},
	{is(lab.BlackHole), 8 * time.Second},
	{is(lab.WrongCertificate), 8 * time.Second},
	{is(lab.Hang), 3 * time.Second},
	{is(lab.Stall), 3 * time.Second},
	{is(lab.Reset), 6 * time.Second},
	{is(lab.Unavailable), 6 * time.Second},
	{is(lab.ResetAfter(0)), 6 * time.Second},
	{func(r *rand.Rand) lab.Fault { return lab.ResetAfter(1 << r.IntN(15)) }, 6 * time.Second},
}

func is(f lab.Fault) func(*rand.Rand) lab.Fault { return func(*rand.Rand) lab.Fault { return f } }

// plan is faults for that long. Each of the kinds comes once before one comes again. In a short time they are short.
func plan(seed uint64, length time.Duration) (spells []*spell) {
	longest := length / 8
	r := rand.New(rand.NewPCG(seed, 0))
	var order []int
	for length > 0 {
		if len(order) == 0 {
			order = r.Perm(len(kinds))
		}
		kind := kinds[order[0]]
		order = order[1:]
		s := &spell{
			quiet:   between(r, 300*time.Millisecond, max(time.Second, min(3*time.Second, longest))),
			length:  between(r, 200*time.Millisecond, max(time.Second, min(kind.length, longest))),
			fault:   kind.fault(r),
			zone:    zones[r.IntN(len(zones))],
			service: services[r.IntN(len(services))],
		}
		spells = append(spells, s)
		length -= s.quiet + s.length
	}
	return spells
}

func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}

// carryOut makes the faults come and go, until they have all been or ctx ends.
func carryOut(ctx context.Context, l *lab.Lab, spells []*spell) error {
	for _, s := range spells {
		if !sleep(ctx, s.quiet) {
			return nil
		}
		s.from = time.Now()
		if err := s.make(l, s.fault); err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		sleep(ctx, s.length)
		err := s.make(l, lab.None)
		s.to = time.Now()
		if err != nil {
			return fmt.Errorf("the end of %v: %w", s, err)
		}
	}
	return nil
}

func (s *spell) make(l *lab.Lab, f lab.Fault) error {
	if s.service == "" {
		return l.Fault(s.zone, f)
	}
	return l.FaultService(s.service, s.zone, f)
}

// sleep reports whether it was not interrupted.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// during is the first fault that was there while the call was under way, or nil.
func during(spells []*spell, c *call) *spell {
	for _, s := range spells {
		if !s.from.IsZero() && s.from.Before(c.end) && (s.to.IsZero() || s.to.After(c.start)) {
			return s
		}
	}
	return nil
}
