package soak

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
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
	name          string
	fault         lab.Fault
	zone, service string                                     // service "" is all of them
	process       func(context.Context, time.Duration) error // what happens to this process instead

	from, to time.Time // when it was there
}

func (s *spell) String() string {
	if s.process != nil {
		return fmt.Sprintf("%s for %v", s.name, s.length.Round(time.Millisecond))
	}
	return fmt.Sprintf("%v in %s, %s, for %v", s.fault, s.zone, cmp.Or(s.service, "all services"), s.length.Round(time.Millisecond))
}

// kinds are the faults there are, and how long they may last at the most. What takes a request and doesn't answer, while its
// server can be connected to, is a slow service, which is left alone: calls last as long as it does.
var kinds = []struct {
	name    string
	fault   func(*rand.Rand) lab.Fault
	process func(context.Context, time.Duration) error
	length  time.Duration
}{
	{name: "refuse", fault: is(lab.Refuse), length: 8 * time.Second},
	{name: "black hole", fault: is(lab.BlackHole), length: 8 * time.Second},
	{name: "blip", fault: is(lab.BlackHole), length: 900 * time.Millisecond},
	{name: "drop SYN", fault: is(lab.DropSYN), length: 8 * time.Second},
	{name: "wrong certificate", fault: is(lab.WrongCertificate), length: 8 * time.Second},
	{name: "hang", fault: is(lab.Hang), length: 3 * time.Second},
	{name: "stall", fault: is(lab.Stall), length: 3 * time.Second},
	{name: "pause reading", fault: is(lab.PauseReading), length: 3 * time.Second},
	{name: "reset", fault: is(lab.Reset), length: 6 * time.Second},
	{name: "unavailable", fault: is(lab.Unavailable), length: 6 * time.Second},
	{name: "server error", fault: is(lab.ServerError(http.StatusInternalServerError)), length: 6 * time.Second},
	{name: "reset before the answer", fault: is(lab.ResetAfter(0)), length: 6 * time.Second},
	{name: "reset in the answer", fault: func(r *rand.Rand) lab.Fault { return lab.ResetAfter(1 << r.IntN(15)) }, length: 6 * time.Second},
	{name: "starved", process: starve, length: 2 * time.Second},
	{name: "stopped", process: stop, length: 5 * time.Second},
}

// starve leaves this process little time for what it is there for.
func starve(ctx context.Context, length time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var spinning sync.WaitGroup
	for range 20 * runtime.GOMAXPROCS(0) {
		spinning.Go(func() {
			for n := 0; n%1024 != 0 || ctx.Err() == nil; n++ {
			}
		})
	}
	spinning.Wait()
	return nil
}

// stop has the process stopped, the lab's servers with it. Somebody else has to let it go on.
func stop(ctx context.Context, length time.Duration) error {
	return exec.CommandContext(ctx, "sh", "-c", fmt.Sprintf("kill -STOP $PPID; sleep %.3f; kill -CONT $PPID", length.Seconds())).Run()
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
			length:  between(r, 200*time.Millisecond, min(kind.length, max(time.Second, longest))),
			name:    kind.name,
			process: kind.process,
		}
		if s.process == nil {
			s.fault, s.zone, s.service = kind.fault(r), zones[r.IntN(len(zones))], services[r.IntN(len(services))]
		}
		spells = append(spells, s)
		length -= s.quiet + s.length
	}
	return spells
}

func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}

// carryOut makes the faults come and go in all labs at once, until they have all been or ctx ends.
func carryOut(ctx context.Context, labs []*lab.Lab, spells []*spell) error {
	for _, s := range spells {
		if !sleep(ctx, s.quiet) {
			return nil
		}
		s.from = time.Now()
		err := s.carryOut(ctx, labs)
		s.to = time.Now()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%v: %w", s, err)
		}
	}
	return nil
}

func (s *spell) carryOut(ctx context.Context, labs []*lab.Lab) error {
	if s.process != nil {
		return s.process(ctx, s.length)
	}
	err := s.make(labs, s.fault)
	if err == nil {
		sleep(ctx, s.length)
	}
	return errors.Join(err, s.make(labs, lab.None))
}

func (s *spell) make(labs []*lab.Lab, f lab.Fault) (err error) {
	for _, l := range labs {
		if s.service == "" {
			err = errors.Join(err, l.Fault(s.zone, f))
		} else {
			err = errors.Join(err, l.FaultService(s.service, s.zone, f))
		}
	}
	return err
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
