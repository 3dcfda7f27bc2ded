package resolver

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azaffinity/azaffinity/internal/version"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// logs is where changes of state are logged. A log handler may take its time, ask for
// a Snapshot, or send its lines through this very resolver: no lock is held meanwhile.
type logs struct {
	to     *slog.Logger // nil: silent
	panics atomic.Uint64

	mu     sync.Mutex
	logged map[string]bool
}

func newLogs(to *slog.Logger) *logs { return &logs{to: to, logged: map[string]bool{}} }

func (l *logs) info(msg string, args ...any) { l.log(slog.LevelInfo, msg, args...) }
func (l *logs) warn(msg string, args ...any) { l.log(slog.LevelWarn, msg, args...) }

func (l *logs) log(level slog.Level, msg string, args ...any) {
	if l.to == nil {
		return
	}
	defer func() {
		if recover() != nil {
			l.panics.Add(1) // there is nobody to tell but a snapshot
		}
	}()
	l.to.Log(context.Background(), level, msg, args...)
}

// first reports whether msg has not been logged yet.
func (l *logs) first(msg string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logged[msg] {
		return false
	}
	l.logged[msg] = true
	return true
}

// panicked counts a panic of code that isn't ours, which would have taken the whole
// program with it, and logs the first of its kind.
func (l *logs) panicked(who string, p any) {
	l.panics.Add(1)
	if msg := "azaffinity: " + who + " panicked"; l.first(msg) {
		l.warn(msg, "panic", p)
	}
}

// unlock releases r.mu and then logs what came up under it.
func (r *Resolver) unlock() {
	pending := r.pendingLogs
	r.pendingLogs = nil
	r.mu.Unlock()
	for _, log := range pending {
		log()
	}
}

// info, warn and those that log a message once have it logged when r.mu is free. It must be held.
func (r *Resolver) info(msg string, args ...any) { r.later(slog.LevelInfo, msg, args) }
func (r *Resolver) warn(msg string, args ...any) { r.later(slog.LevelWarn, msg, args) }

func (r *Resolver) later(level slog.Level, msg string, args []any) {
	if r.config.log != nil {
		r.pendingLogs = append(r.pendingLogs, func() { r.log.log(level, msg, args...) })
	}
}

func (r *Resolver) infoOnce(msg string, args ...any) {
	if r.log.first(msg) {
		r.info(msg, args...)
	}
}

func (r *Resolver) warnOnce(msg string, args ...any) {
	if r.log.first(msg) {
		r.warn(msg, args...)
	}
}

// announce logs that the resolver has started, as soon as zone and endpoints have been asked for once.
func (r *Resolver) announce() {
	r.mu.Lock()
	defer r.unlock()
	r.startDue = true
	r.logStart()
}

func (r *Resolver) logStart() {
	if !r.startDue || !r.zone.wasAsked() || !r.catalog.wasAsked() {
		return
	}
	r.startDue = false
	r.info("azaffinity: started", "version", version.Version, "mode", r.mode.String(),
		"zone", shown(r.zone.value.Zone), "zone_source", cmp.Or(r.zone.value.Source, "none"),
		"endpoints", len(r.catalog.value.Endpoints), "endpoints_source", r.catalogSource)
}

func (k *known[T]) wasAsked() bool { return k.err != nil || !k.since.IsZero() }

// logLost logs that a source has begun to fail, and what stays in use if there is anything.
func logLost[T any](r *Resolver, msg string, before, now known[T], source string, inUse ...any) {
	if now.err == nil || before.err != nil {
		return
	}
	args := []any{"source", cmp.Or(source, "unknown"), "error", now.err} // a panic says nobody's name
	if !now.since.IsZero() {
		args = append(append(args, inUse...), "in_use_since", now.since)
	}
	r.warn(msg, args...)
}

// regained reports whether a source answers that failed before. The word is for the log.
func (k *known[T]) regained(before known[T]) (ok bool, again string) {
	if !before.since.IsZero() {
		again = " again"
	}
	return k.err == nil && before.err != nil, again
}

// lasted is how long ago something began, to read.
func lasted(since time.Time) time.Duration {
	d := time.Since(since)
	if d < 10*time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// logZone logs what has become of the zone.
func (r *Resolver) logZone(before known[zone.Answer], source string) {
	was, is := shown(before.value.Zone), shown(r.zone.value.Zone)
	args := []any{"zone", is, "was", was, "source", source}
	logLost(r, "azaffinity: could not find out the zone", before, r.zone, source, "zone", is)
	if ok, again := r.zone.regained(before); ok {
		r.info("azaffinity: zone found"+again, append(args, "after", lasted(before.lost))...)
	} else if was != is && !before.since.IsZero() {
		r.info("azaffinity: zone changed", args...)
	}
	r.logStart()
}

func shown(z zone.Zone) string {
	if z == (zone.Zone{}) {
		return "unknown"
	}
	return z.String()
}

// logCatalog logs what has become of the source of the endpoints, and logListing of what it lists.
func (r *Resolver) logCatalog(before known[endpoint.Catalog]) {
	n := len(r.catalog.value.Endpoints)
	logLost(r, "azaffinity: could not read the endpoints", before, r.catalog, r.catalogSource, "endpoints", n)
	if ok, again := r.catalog.regained(before); ok {
		r.info("azaffinity: endpoints read"+again, "endpoints", n, "source", r.catalogSource, "after", lasted(before.lost))
	}
	r.logStart()
}

func (r *Resolver) logListing(before, now []endpoint.Endpoint) {
	added, changed := unlike(now, before)
	gone, _ := unlike(before, now)
	args := []any{"endpoints", len(now), "was", len(before), "new", listed(added), "gone", listed(gone), "changed", listed(changed)}
	switch {
	case len(gone) > 0: // a listing that lacks some by mistake looks the same
		r.warn("azaffinity: endpoints are no longer listed", args...)
	case len(added)+len(changed) > 0:
		r.info("azaffinity: endpoints changed", args...)
	}
}

// logForgotten logs the end of the outages of names that nothing routes to any more, since the endpoint is gone or the zone
// is another.
func (r *Resolver) logForgotten(gone []*health) {
	for _, h := range gone {
		h.mu.Lock()
		o, ejected := h.outage(), h.ejected()
		h.mu.Unlock()
		if ejected && h.under == nil {
			r.info("azaffinity: ejected zonal name no longer used", "name", h.name, "after", o.lasted, "failures", o.failures, "sent_elsewhere", o.elsewhere)
		}
	}
}

// logShift logs that the zone is left until another time, or no longer.
func (r *Resolver) logShift(until time.Time, by string) {
	args := []any{"by", by}
	if !until.Equal(openEnd) {
		args = append(args, "until", until)
	}
	switch {
	case until.IsZero():
		r.info("azaffinity: no longer shifted away from the zone", "after", lasted(r.shift.since), "by", r.shift.by)
	case r.shift.until.IsZero():
		r.warn("azaffinity: shifted away from the zone", args...)
	default:
		r.info("azaffinity: still shifted away from the zone", append(args, "was_by", r.shift.by)...)
	}
}

// logShiftSource logs what has become of a source of shifts.
func (r *Resolver) logShiftSource(s *shiftSource, before known[shift.Answer]) {
	logLost(r, "azaffinity: could not read the shifts", before, s.known, s.name, "shifts", len(s.value.Shifts))
	if ok, again := s.regained(before); ok {
		r.info("azaffinity: shifts read"+again, "shifts", len(s.value.Shifts), "source", s.name, "after", lasted(before.lost))
	}
}

// unlike are the endpoints that others don't have, and those that others have otherwise.
func unlike(endpoints, others []endpoint.Endpoint) (missing, changed []endpoint.Endpoint) {
	byName := map[string]endpoint.Endpoint{}
	for _, e := range others {
		byName[bare(e.Regional)] = e
	}
	for _, e := range endpoints {
		switch other, ok := byName[bare(e.Regional)]; {
		case !ok:
			missing = append(missing, e)
		case !reflect.DeepEqual(e, other):
			changed = append(changed, e)
		}
	}
	return missing, changed
}

// maxListed is how many endpoints a line names.
const maxListed = 10

func listed(endpoints []endpoint.Endpoint) []string {
	names := make([]string, 0, maxListed+1)
	for _, e := range endpoints[:min(len(endpoints), maxListed)] {
		names = append(names, e.ID+" ("+e.Service+")")
	}
	if more := len(endpoints) - maxListed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return names
}
