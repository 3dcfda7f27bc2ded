package resolver

import (
	"slices"

	"github.com/azaffinity/azaffinity/internal/link"
)

func init() {
	link.Serves = func(r any, host string) bool {
		if r, ok := r.(*Resolver); ok && r != nil {
			return r.table.Load().serves(host)
		}
		return false
	}
	link.Active = func(r any) bool {
		if r, ok := r.(*Resolver); ok && r != nil {
			return r.table.Load().mode == Prefer
		}
		return false
	}
	link.Note = func(r any, text string) {
		if r, ok := r.(*Resolver); ok && r != nil {
			r.note(text)
		}
	}
	link.Panicked = func(r any, p any) {
		if r, ok := r.(*Resolver); ok && r != nil {
			r.log.panicked("a request's routing", p)
		}
	}
}

// serves reports whether requests for the host are routed to an endpoint, whatever its names have been doing.
func (t *table) serves(host string) bool {
	if t.mode != Prefer {
		return false
	}
	if e := t.whole(host); e != nil {
		return e.primary.Target != Unmatched
	}
	if _, learned := t.learned.parents.get(host); learned {
		return true
	}
	for i := 1; i < len(host); i++ {
		if host[i-1] != '.' {
			continue
		}
		if e := t.parent(host[i:]); e != nil && e.shape.takes(host[:i-1]) {
			return e.primary.Target != Unmatched
		}
		if _, learned := t.learned.parents.get(host[i:]); learned {
			return true
		}
	}
	return false
}

// note shows a text in snapshots, and logs it, once.
func (r *Resolver) note(text string) {
	r.mu.Lock()
	defer r.unlock()
	if slices.Contains(r.remarks, text) {
		return
	}
	r.remarks = append(r.remarks, text)
	r.pendingLogs = append(r.pendingLogs, func() { r.log.info("azaffinity: " + text) })
}
