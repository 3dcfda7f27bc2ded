package resolver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// shiftRefresh is how often a source of shifts is asked that doesn't say when it wants to be.
const shiftRefresh = time.Minute

// byCall is who wants a shift that the program itself asked for.
const byCall = "ShiftAway"

// openEnd is the end of a shift that goes on for as long as its source says so.
var openEnd = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// zonalShift is a shift away from this zone, and who wants it. r.mu guards it.
type zonalShift struct {
	until time.Time // zero: there is none
	by    string    // who wants it for longest
	since time.Time // when it began
	timer *time.Timer

	called  time.Time      // until when [Resolver.ShiftAway] wants it
	sources []*shiftSource // which want it, too, or don't
}

// shiftSource is a source of shifts, and what it has said.
type shiftSource struct {
	shift.Source
	name string
	known[shift.Answer]
}

func (s *zonalShift) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// shiftSources are those that were given, and the file that the environment names.
func shiftSources(given []shift.Source) (all []*shiftSource) {
	if path := os.Getenv(shift.EnvFile); path != "" {
		given = append([]shift.Source{shift.File(path)}, given...)
	}
	for _, s := range given {
		all = append(all, &shiftSource{Source: s, known: known[shift.Answer]{asked: make(chan struct{})}})
	}
	return all
}

// ShiftAway sends everything that would go to this zone's names to regional ones
// instead, at once and until the given time, whatever the names' health: the answer
// to "this zone is impaired". A time that has passed ends that. Sources of shifts
// ([WithShift]) neither shorten it nor are overruled by it: the zone is left for as long as
// one of them wants it.
func (r *Resolver) ShiftAway(until time.Time) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	if r.closed && time.Until(until) > 0 {
		return // nothing would end it; one that is on stays
	}
	r.shift.called = until
	if r.judgeShift() {
		r.publishTable()
	}
}

// judgeShift works out whether, and until when, the zone is left, and reports whether that has changed. r.mu must be held.
func (r *Resolver) judgeShift() (changed bool) {
	s := &r.shift
	until, by := s.called, byCall
	for _, source := range s.sources {
		if end := r.shiftedBy(source); end.After(until) {
			until, by = end, source.name
		}
	}
	if time.Until(until) <= 0 {
		until, by = time.Time{}, ""
	}
	if until.Equal(s.until) && by == s.by {
		return false
	}
	r.logShift(until, by)
	if s.until.IsZero() {
		s.since = time.Now()
	}
	s.until, s.by = until, by
	r.timeShift()
	return true
}

// timeShift has the shift judged again when its time is over. r.mu must be held.
func (r *Resolver) timeShift() {
	s := &r.shift
	s.stop()
	if s.until.IsZero() || s.until.Equal(openEnd) || r.closed {
		return
	}
	s.timer = time.AfterFunc(time.Until(s.until), func() {
		defer func() {
			if p := recover(); p != nil {
				r.log.panicked("the end of a shift", p)
			}
		}()
		r.mu.Lock()
		defer r.unlock()
		switch {
		case r.closed:
		case r.judgeShift():
			r.publishTable()
		default:
			r.timeShift() // a file's time goes by the wall clock, which may have been set back
		}
	})
}

// shiftedBy is until when a source wants this zone to be left. r.mu must be held.
func (r *Resolver) shiftedBy(source *shiftSource) (until time.Time) {
	own := r.ownZone()
	for _, s := range source.value.Shifts {
		end := s.Until
		if end.IsZero() {
			end = openEnd
		}
		if isZone(s.Zone, own) && end.After(until) {
			until = end
		}
	}
	return until
}

// ownZone is this zone with what the endpoints' owner calls it, if nobody else says. r.mu must be held.
func (r *Resolver) ownZone() zone.Zone {
	own := r.zone.value.Zone
	for id, name := range r.catalog.value.ZoneNames {
		switch {
		case own.Name == "" && id == own.ID:
			own.Name = name
		case own.ID == "" && name == own.Name:
			own.ID = id
		}
	}
	return own
}

// isZone reports whether z is the own zone. The IDs decide if both are known: names differ between accounts.
func isZone(z, own zone.Zone) bool {
	switch {
	case z == zone.Zone{}:
		return true
	case z.ID != "" && own.ID != "":
		return z.ID == own.ID
	}
	return z.Name != "" && z.Name == own.Name
}

// warnUnlocated warns if a source says nothing about this zone that could be understood, since it knows zones by ID and only
// the name of this one is known. r.mu must be held.
func (r *Resolver) warnUnlocated() {
	if r.zone.since.IsZero() || r.catalog.since.IsZero() || r.ownZone().ID != "" {
		return
	}
	for _, s := range r.shift.sources {
		if s.value.ByID || slices.ContainsFunc(s.value.Shifts, func(s shift.Shift) bool { return s.Zone.ID != "" && s.Zone.Name == "" }) {
			r.warnOnce("azaffinity: shifts away from zones are not heeded that are known by ID: set AZAFFINITY_ZONE_NAMES, since this zone is known by name only",
				"zone", r.zone.value.Zone.String(), "source", s.name)
		}
	}
}

// startShiftPolls asks the sources of shifts that need not wait, and returns how all of them are asked from then on. An
// answer that can't be used is no error of New's: a program that starts in the middle of an incident must start.
func (r *Resolver) startShiftPolls(ctx context.Context) (polls []*poll) {
	sources := shiftSources(r.config.shifts)
	r.mu.Lock()
	r.shift.sources = sources
	r.unlock()
	for _, s := range sources {
		p := &poll{resolver: r, wait: always, ask: func(ctx context.Context) time.Duration {
			ctx, cancel := context.WithTimeout(ctx, maxAsk)
			defer cancel()
			answer, err := guarded(ctx, r.log, s.Source, shift.Ask)
			return r.takeShifts(s, answer, err)
		}}
		answer, err := guarded(ctx, r.log, s.Source, shift.AskNow)
		s.name = cmp.Or(answer.Source, fmt.Sprintf("%T", s.Source)) // a panic says nobody's name
		p.source, p.first = s.name, time.Until(answer.Until)
		s.value.ByID = answer.ByID
		if !errors.Is(err, shift.ErrWouldBlock) {
			p.pause = r.takeShifts(s, answer, err)
		}
		polls = append(polls, p)
	}
	r.mu.Lock()
	defer r.unlock()
	r.warnUnlocated()
	return polls
}

// takeShifts takes in what a source of shifts said, and returns what ask does.
func (r *Resolver) takeShifts(s *shiftSource, answer shift.Answer, err error) time.Duration {
	r.mu.Lock()
	defer r.unlock()
	before := s.known
	s.update(answer, err)
	r.logShiftSource(s, before)
	r.warnUnlocated()
	switch {
	case err != nil:
		return untilNext(answer.Until)
	case r.judgeShift():
		r.publishTable()
	}
	if answer.Until.IsZero() {
		return shiftRefresh - shiftRefresh/10 + rand.N(shiftRefresh/5)
	}
	return untilNext(answer.Until)
}

// notes say which sources of shifts can't be read.
func (s *zonalShift) notes() (notes []string) {
	for _, source := range s.sources {
		if source.err != nil {
			notes = append(notes, fmt.Sprintf("shifts, %s: %v: what it said before holds", source.name, source.err))
		}
	}
	return notes
}
