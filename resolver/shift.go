package resolver

import "time"

// shift is a zonal shift away from this zone.
type shift struct {
	until time.Time // zero: there is none
	timer *time.Timer
}

func (s *shift) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// ShiftAway sends everything that would go to this zone's names to regional ones
// instead, at once and until the given time, whatever the names' health: the answer
// to "this zone is impaired". A time that has passed ends it.
func (r *Resolver) ShiftAway(until time.Time) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.unlock()
	r.shift.stop()
	left := time.Until(until)
	if left <= 0 || r.closed {
		r.endShift()
		return
	}
	r.shift.until = until
	r.shift.timer = time.AfterFunc(left, func() {
		r.mu.Lock()
		defer r.unlock()
		if r.shift.until.Equal(until) { // not another time by now
			r.endShift()
		}
	})
	r.publish()
	r.info("azaffinity: shifted away from the zone", "until", until)
}

// endShift is called with r.mu held.
func (r *Resolver) endShift() {
	if !r.shift.until.IsZero() {
		r.shift.until = time.Time{}
		r.publish()
		r.info("azaffinity: no longer shifted away from the zone")
	}
}
