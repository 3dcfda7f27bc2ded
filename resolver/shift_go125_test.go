//go:build go1.25

package resolver_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given a running resolver that is told to shift away from the zone, then requests leave it
// at once, and come back when the time is over or when told so.
func TestShiftAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...))
		away := func() {
			t.Helper()
			expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.ShiftedAway)
		}
		back := func() {
			t.Helper()
			expect(t, r.Resolve(sqs), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
		}
		back()
		until := time.Now().Add(time.Hour)
		r.ShiftAway(until)
		away()
		if link.NameOf(r, zonal("sqs")) != nil {
			t.Error("a zonal name is in use")
		}
		if got := r.Snapshot().ShiftedAwayUntil; !got.Equal(until) {
			t.Errorf("the snapshot says until %v, want %v", got, until)
		}
		time.Sleep(time.Hour - time.Second)
		away()
		r.ShiftAway(until.Add(time.Hour)) // longer
		time.Sleep(time.Hour)
		away()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		back()
		r.ShiftAway(time.Now().Add(time.Hour))
		away()
		r.ShiftAway(time.Time{})
		back()
		until = time.Now().Add(time.Hour)
		r.ShiftAway(until) // is over with Close, which leaves no timer
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		before := r.Snapshot().ShiftedAwayUntil
		r.ShiftAway(until.Add(time.Hour))
		if got := r.Snapshot().ShiftedAwayUntil; !got.Equal(before) {
			t.Errorf("after Close: until %v, want %v as before", got, before)
		}
		r.ShiftAway(time.Now())
		back()
	})
}

// Given a log that panics, when a shift ends by itself, then that ends no program.
func TestTheEndOfAShiftPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...), resolver.WithLogger(slog.New(brittle{slog.DiscardHandler})))
		r.ShiftAway(time.Now().Add(time.Second))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expect(t, r.Resolve(sqs), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
		if got := r.Snapshot().Panics; got == 0 {
			t.Error("the panic is not counted")
		}
	})
}

// brittle panics when it is told that a shift is over.
type brittle struct{ slog.Handler }

func (brittle) Enabled(context.Context, slog.Level) bool { return true }

func (brittle) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "no longer shifted") {
		panic(r.Message)
	}
	return nil
}

// Given an ejected name, when the mode is off for a moment, or the zone shifted away from,
// then what is known of the name isn't forgotten.
func TestHealthOutlivesTheMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...))
		r.Resolve(sqs).Failed(resolver.CauseAbsent, nil)
		r.SetMode(resolver.Off)
		r.SetMode(resolver.Prefer)
		expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.Unhealthy)
		r.ShiftAway(time.Now().Add(time.Second))
		r.ShiftAway(time.Time{})
		expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.Unhealthy)
	})
}

// Given sources of shifts, then the zone is left while one of them says so and nobody who called ShiftAway is cut short; and
// what a source said before holds while it fails.
func TestSourcesOfShifts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := &saysShifts{}, &saysShifts{}
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...), resolver.WithShift(one), resolver.WithShift(other))
		away := func(when string, want bool) {
			t.Helper()
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			s := r.Snapshot()
			if got := r.Resolve(sqs).Reason == resolver.ShiftedAway; got != want || s.ShiftedAwayUntil.IsZero() == want || (s.ShiftedAwayBy == "") == want {
				t.Errorf("%s: away %v, by %q until %v, want away %v", when, got, s.ShiftedAwayBy, s.ShiftedAwayUntil, want)
			}
		}
		open, hour := []shift.Shift{{}}, func() []shift.Shift { return []shift.Shift{{Zone: inA, Until: time.Now().Add(time.Hour)}} }
		away("nobody says so", false)
		one.set(open, nil)
		away("one says so", true)
		other.set(hour(), nil)
		away("both do", true)
		one.set(nil, nil)
		away("the other still does", true)
		other.set(nil, errLate)
		away("it fails", true)
		if notes := r.Snapshot().Notes; len(notes) != 1 || !strings.Contains(notes[0], errLate.Error()) {
			t.Errorf("notes: got %q", notes)
		}
		time.Sleep(time.Hour)
		away("its time is over while it fails", false)
		r.ShiftAway(time.Now().Add(time.Hour))
		one.set(hour(), nil)
		away("a call, and then one says so, too", true)
		one.set(nil, nil)
		away("the call still does", true)
		r.ShiftAway(time.Time{})
		away("nobody does any more", false)
		one.set(open, nil)
		away("one does", true)
		r.ShiftAway(time.Time{})
		away("which a call doesn't end", true)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		one.set(nil, nil)
		away("closed: nothing changes", true)
		r.ShiftAway(time.Now().Add(time.Hour))
		away("closed: nothing changes", true)
	})
}

// Given shifts away from zones, then those are this zone that its name says or, before that, its ID, whatever of them is
// known by whom.
func TestShiftsOfZones(t *testing.T) {
	both := zone.Zone{Name: "us-east-1a", ID: "use1-az6"}
	names := map[string]string{"use1-az6": "us-east-1a", "use1-az2": "us-east-1b"}
	for _, tt := range []struct {
		name       string
		own, shift zone.Zone
		names      map[string]string
		away       bool
		warns      int
	}{
		{"every zone", inA, zone.Zone{}, nil, true, 0},
		{"its name", inA, zone.Zone{Name: "us-east-1a"}, nil, true, 0},
		{"another name", inA, zone.Zone{Name: "us-east-1b"}, nil, false, 0},
		{"its ID", both, zone.Zone{ID: "use1-az6"}, nil, true, 0},
		{"another ID", both, zone.Zone{ID: "use1-az2"}, nil, false, 0},
		{"its name in another account", both, zone.Zone{Name: "us-east-1a", ID: "use1-az2"}, nil, false, 0},
		{"its ID, known from the endpoints' owner", inA, zone.Zone{ID: "use1-az6"}, names, true, 0},
		{"its name, known from the endpoints' owner", zone.Zone{ID: "use1-az6"}, zone.Zone{Name: "us-east-1a"}, names, true, 0},
		{"another ID, known from the endpoints' owner", inA, zone.Zone{ID: "use1-az2"}, names, false, 0},
		{"an ID, and nobody knows its own", inA, zone.Zone{ID: "use1-az6"}, nil, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, told := &recorder{}, &saysShifts{}
				told.set([]shift.Shift{{Zone: tt.shift}}, nil)
				r := newSlowResolver(t, zone.Static(tt.own), endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
					return endpoint.Catalog{Endpoints: sqsOnly(), ZoneNames: tt.names}, nil
				}), resolver.WithShift(told), resolver.WithLogger(log.logger()))
				time.Sleep(time.Hour)
				synctest.Wait()
				if got := r.Resolve(sqs).Reason == resolver.ShiftedAway; got != tt.away {
					t.Errorf("away: got %v, want %v", got, tt.away)
				}
				if got := strings.Count(log.String(), "AZAFFINITY_ZONE_NAMES"); got != tt.warns {
					t.Errorf("the remedy was logged %d times, want %d: %s", got, tt.warns, log)
				}
			})
		})
	}
}

// byID is a source that has nothing to say yet, and would say it of IDs.
type byID struct {
	saysShifts
	blocks bool // and doesn't say even that at once
}

func (s *byID) Answer(context.Context, bool) (shift.Answer, error) {
	var err error
	if s.blocks {
		err = shift.ErrWouldBlock
	}
	return shift.Answer{ByID: true, Source: "arc"}, err
}

// Given a source that knows zones by ID and a zone whose ID nobody knows, then that is said at the start, once.
func TestSourceThatWillNotBeHeeded(t *testing.T) {
	for _, tt := range []struct {
		own    zone.Zone
		blocks bool
		warns  int
	}{{inA, false, 1}, {inA, true, 1}, {zone.Zone{Name: "us-east-1a", ID: "use1-az6"}, false, 0}} {
		log := &recorder{}
		r := newResolver(t, tt.own, sqsOnly(), resolver.WithShift(&byID{blocks: tt.blocks}), resolver.WithLogger(log.logger()))
		r.SetMode(resolver.Off)
		if got := strings.Count(log.String(), "AZAFFINITY_ZONE_NAMES"); got != tt.warns {
			t.Errorf("%v: warned %d times, want %d", tt.own, got, tt.warns)
		}
	}
}

// Given a source that panics or hangs, then requests and Close know nothing of it.
func TestSourcesOfShiftsThatMisbehave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := shiftsFunc(func(ctx context.Context) ([]shift.Shift, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		panics := shiftsFunc(func(context.Context) ([]shift.Shift, error) { panic("no shifts") })
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...), resolver.WithShift(hangs), resolver.WithShift(panics))
		if err := r.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		expect(t, r.Resolve(sqs), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
		if got := r.Snapshot(); len(got.Notes) != 2 || got.Panics == 0 {
			t.Errorf("got notes %q and %d panics", got.Notes, got.Panics)
		}
	})
	if _, err := resolver.New(resolver.WithZone(zone.Static(inA)), resolver.WithEndpoints(endpoint.Static()), resolver.WithShift(nil)); err == nil {
		t.Error("a nil source is no error")
	}
}

type shiftsFunc func(context.Context) ([]shift.Shift, error)

func (f shiftsFunc) Shifts(ctx context.Context) ([]shift.Shift, error) { return f(ctx) }

// Given the file that the environment names, when an operator touches, writes, breaks or removes it, then each resolver
// follows within seconds, and from its very start; what is wrong with it is no reason not to start, and changes nothing.
func TestShiftFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "shift")
		t.Setenv(shift.EnvFile, path)
		write := func(content string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		log := &journal{t: t}
		start := func(opts ...resolver.Option) *resolver.Resolver {
			return newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...), opts...)
		}
		r := start(log.option())
		log.l = nil
		away := func(when string, want bool) {
			t.Helper()
			time.Sleep(6 * time.Second)
			synctest.Wait()
			for name, r := range map[string]*resolver.Resolver{"": r, ", just started": start()} {
				if got := r.Resolve(sqs).Reason == resolver.ShiftedAway; got != want {
					t.Errorf("%s%s: away %v, want %v", when, name, got, want)
				}
			}
		}
		away("no file", false)
		write("")
		away("empty", true)
		log.expect("empty", "WARN shifted away from the zone by=file "+path)
		write("us-east-1b\n")
		away("another zone", false)
		write("us-east-1b\nus-east-1a " + time.Now().Add(time.Minute).Format(time.RFC3339) + "\n")
		away("both", true)
		time.Sleep(time.Minute)
		away("after its time", false)
		write("us-east-1a")
		away("with no time", true)
		log.l = nil
		write("us-east-1, since it is down")
		time.Sleep(time.Hour)
		if got := r.Resolve(sqs).Reason; got != resolver.ShiftedAway {
			t.Errorf("nonsense after a shift: got %v", got)
		}
		log.expect("nonsense", "WARN could not read the shifts source=file "+path+" error=shift: "+path+`: line 1: "us-east-1, since it is down" is more than a zone and a time: `+
			"want a zone, then maybe a time such as 2026-11-26T15:00:00Z shifts=1 in_use_since")
		if got := start(); got.Resolve(sqs).Reason != resolver.InZone || len(got.Snapshot().Notes) != 1 {
			t.Errorf("nonsense at the start: got %v, and notes %q", got.Resolve(sqs).Reason, got.Snapshot().Notes)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		away("gone", false)
	})
}
