//go:build go1.25

package resolver

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

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
