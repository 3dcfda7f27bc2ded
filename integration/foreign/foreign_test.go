package foreign

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// program is somebody else's, or uses somebody else's library as its documentation says.
type program struct {
	name  string
	start func(*testing.T, *place) work
}

// work does a piece of a program's work, of any number. Its error is the program's, or says that not all is as it should be.
type work func(ctx context.Context, n int) error

var programs = []program{
	{"s3blob", buckets},
	{"awssnssqs", queueWorker},
	{"dynamo", items},
	{"aws-sdk-go-base", baseConfig},
	{"tusd", uploads},
	{"manager", oldManager},
	{"transfermanager", newManager},
}

const (
	hands    = 2 // pieces of work at a time
	patience = 3 * time.Minute
)

// do does so many pieces of the work. When one of the first is done and others are under way, strike is called.
func (p *place) do(t *testing.T, w work, pieces int, strike func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(hands)
	for i := range pieces {
		if i == hands+1 {
			strike()
		}
		n := int(p.pieces.Add(1))
		g.Go(func() error {
			err := w(ctx, n)
			if err != nil && p.completed(err) {
				err = w(ctx, n)
			}
			if err != nil {
				t.Errorf("piece %d: %v", n, err)
			}
			return nil
		})
	}
	_ = g.Wait()
}

func nothing() {}

// Given a program of others' with azaffinity attached, when it works, then all of its calls stay in its zone; when the zone goes meanwhile, then no piece of
// its work fails and nothing is executed twice; and when the zone is back, so are the calls.
func TestPrograms(t *testing.T) {
	for _, x := range programs {
		for fault, tracer := range map[lab.Fault]func(*testing.T) tracer{lab.Refuse: opentelemetry, lab.BlackHole: datadog} {
			t.Run(x.name+", "+fault.String(), func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, tracer(t))
				p.routed(t)
				x.through(t, p, fault)
			})
		}
	}
}

func (x program) through(t *testing.T, p *place, fault lab.Fault) {
	t.Helper()
	w := x.start(t, p)
	p.ResetRequests()
	p.do(t, w, hands, nothing)
	if n, all := p.elsewhere(); n > 0 || all == 0 {
		t.Errorf("healthy: %d of %d requests went to other zones, want none of some", n, all)
	}
	p.do(t, w, 2*hands+1, func() { p.fault(t, fault) })
	if n, all := p.elsewhere(); n == 0 {
		t.Errorf("the home zone gone: none of %d requests went to other zones", all)
	}
	p.fault(t, lab.None)
	p.await(t, w)
	if found := p.twice(); len(found) > 0 {
		t.Errorf("executed twice: %q", found)
	}
	if p.tracer.spans() == 0 {
		t.Error("the tracer has seen no call")
	}
}

// await works until a piece of the work is done in the home zone alone.
func (p *place) await(t *testing.T, w work) {
	t.Helper()
	for repaired := time.Now(); ; {
		before, _ := p.elsewhere()
		p.do(t, w, 1, nothing)
		if n, _ := p.elsewhere(); n == before {
			return
		}
		if time.Since(repaired) > patience {
			t.Fatalf("the home zone is back, and %v later requests go to %v", patience, p.Requests())
		}
		time.Sleep(time.Second) // the dialer tries the zone in real time
	}
}

// Given the same programs without azaffinity, when they work, then their calls go to other zones, too: what TestPrograms sees is azaffinity's work.
func TestBare(t *testing.T) {
	for _, x := range programs {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, untraced)
			for range 6 { // each with connections of its own, and DNS has the zones in rotation
				p.do(t, x.start(t, p), 1, nothing)
				if n, _ := p.elsewhere(); n > 0 {
					return
				}
			}
			t.Errorf("all requests stayed in the zone: %v", p.Requests())
		})
	}
}
