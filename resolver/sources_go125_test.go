//go:build go1.25

package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// inZone is a resolver in us-east-1a.
func inZone(t *testing.T, opts ...Option) *Resolver {
	t.Helper()
	r, err := New(append([]Option{WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})), WithEndpoints(endpoint.Static())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// Given a zone of which the ID or the name is known, then the endpoints' owner has the last word on the other, and none on what is known.
func TestOwnZone(t *testing.T) {
	r := &Resolver{}
	r.catalog.value.ZoneNames = map[string]string{"use1-az6": "us-east-1a", "use1-az1": "us-east-1b"}
	for known, want := range map[zone.Zone]zone.Zone{
		{ID: "use1-az6"}:                     {ID: "use1-az6", Name: "us-east-1a"},
		{Name: "us-east-1b"}:                 {ID: "use1-az1", Name: "us-east-1b"},
		{ID: "use1-az6", Name: "us-east-1c"}: {ID: "use1-az6", Name: "us-east-1c"},
		{ID: "use1-az9"}:                     {ID: "use1-az9"},
		{Name: "us-east-1f"}:                 {Name: "us-east-1f"},
		{}:                                   {},
	} {
		r.zone.value.Zone = known
		for range 10 { // a map's order is random
			if got := r.ownZone(); got != want {
				t.Errorf("%+v: got %+v, want %+v", known, got, want)
			}
		}
	}
}

// lateShifts wants to be asked in an hour.
type lateShifts struct {
	mu    sync.Mutex
	asked []time.Time
}

func (s *lateShifts) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *lateShifts) Shifts(context.Context) ([]shift.Shift, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	return nil, nil
}

func (s *lateShifts) Answer(ctx context.Context, wait bool) (shift.Answer, error) {
	if !wait {
		return shift.Answer{Source: "late", Until: time.Now().Add(time.Hour)}, shift.ErrWouldBlock
	}
	_, err := s.Shifts(ctx)
	return shift.Answer{Source: "late"}, err
}

// Given a source of shifts that wants to be asked in an hour, and doesn't say when again, then it is, and from then on as usual, a tenth earlier or later.
func TestWhenSourcesOfShiftsAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, begun := &lateShifts{}, time.Now()
		r := inZone(t, WithShift(source))
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if asked := source.times(); len(asked) > 0 {
			t.Errorf("it was asked after %v", asked[0].Sub(begun))
		}
		time.Sleep(1000 * shiftRefresh)
		synctest.Wait()
		r.Close()
		asked := source.times()
		if len(asked) < 900 {
			t.Fatalf("it was asked %d times", len(asked))
		}
		var pauses []time.Duration
		for i, at := range asked[1:] {
			pauses = append(pauses, at.Sub(asked[i]))
		}
		least, most := slices.Min(pauses), slices.Max(pauses)
		if least < shiftRefresh*90/100 || least > shiftRefresh*92/100 || most < shiftRefresh*108/100 || most > shiftRefresh*110/100 {
			t.Errorf("the pauses are between %v and %v, want a tenth around %v", least, most, shiftRefresh)
		}
	})
}

// Given somebody to look names up who answers in part, with nothing, or not at all, then that is an error, and what was answered is not used.
func TestAnswersOfLookups(t *testing.T) {
	r := inZone(t)
	home, down := netip.MustParseAddr("10.0.1.7"), errors.New("down")
	for _, tt := range []struct {
		addrs []netip.Addr
		err   error
		fails bool
	}{{[]netip.Addr{home}, nil, false}, {[]netip.Addr{home}, down, true}, {nil, nil, true}, {[]netip.Addr{netip.IPv4Unspecified()}, nil, true}} {
		got, err := r.askSafely(t.Context(), func(context.Context, string) ([]netip.Addr, error) { return tt.addrs, tt.err }, "name")
		if (err != nil) != tt.fails || tt.err != nil && !errors.Is(err, tt.err) || tt.fails && got != nil {
			t.Errorf("%+v: got %v, %v", tt, got, err)
		}
	}
	if _, err := r.askSafely(t.Context(), func(context.Context, string) ([]netip.Addr, error) { panic("theirs") }, "name"); err == nil || r.Snapshot().Panics != 1 {
		t.Errorf("a panic: got %v", err)
	}
}

// Given requests for more regional names than are remembered, then they are routed all the same, and what is known of names doesn't grow with them.
func TestUnlistedNames(t *testing.T) {
	r := inZone(t)
	for i := range 2 * maxLearned {
		host := fmt.Sprintf("vpce-%017x-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com", i)
		if got := r.Resolve(host); got.Target != Zonal {
			t.Fatalf("name %d: got %v", i, got)
		}
	}
	r.names.mu.Lock()
	defer r.names.mu.Unlock()
	if n := len(r.names.zonal); n > maxLearned {
		t.Errorf("%d names are known, want %d at most", n, maxLearned)
	}
}
