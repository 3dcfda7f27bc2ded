package resolver

import (
	"strings"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// maxLearned bounds how many regional names that no catalogue has are remembered
// from requests. A program has as many as it has clients with a URL of their own.
// Beyond it, as many more as a memo holds are routed, and others left as they are.
const maxLearned = 256

// learned is what a table has learned from requests for regional names that no
// catalogue has: they came from a client's own configuration, and say all that's
// needed.
type learned struct {
	parents  memo[*entry]  // by the regional name
	zonal    memo[*health] // by the zonal name
	unlisted memo[*entry]  // by the regional name, of those that are too many to outlive the table
}

// parent is the entry of a regional name, listed or not.
func (l *learned) parent(name string) (*entry, bool) {
	if e, ok := l.parents.get(name); ok {
		return e, true
	}
	return l.unlisted.get(name)
}

// learn answers for a host with a vpce name in it that the table doesn't know. What it
// can't make anything of is remembered, so that the next request need not ask again.
func (r *Resolver) learn(t *table, host string) Route {
	at := 0
	if !strings.HasPrefix(host, "vpce-") {
		at = strings.Index(host, ".vpce-") + 1
	}
	name, front := host[at:], host[:at]
	if e, ok := t.alone.get(host); ok {
		return e.primary
	}
	if parent, ok := t.learned.parent(name); ok {
		return t.learnedHost(parent, host, front)
	}
	e, err := endpoint.Parse(name)
	switch {
	case err != nil:
		return t.leaveAlone(host, *t.unmatched)
	case e.Zonal != nil:
		pinned := *t.unmatched
		pinned.info = &endpointInfo{id: e.ID, service: e.Service, counts: t.unmatched.info.counts}
		pinned.primary.Reason = Pinned
		return t.leaveAlone(host, pinned)
	}
	parent := r.addLearned(&t, e)
	if parent == nil {
		if known := t.find(host); known != nil { // listed since a moment ago
			return known.choose()
		}
		if t.at[bare(e.Regional)].whole > 0 { // and what is in front can't be
			return t.leaveAlone(host, *t.unmatched)
		}
		parent = t.addUnlisted(e)
	}
	if parent == nil {
		return t.leaveAlone(host, *t.unmatched)
	}
	return t.learnedHost(parent, host, front)
}

// addLearned enters an endpoint into the table that is now in use, which it makes t's.
// It returns nil if there are too many.
func (r *Resolver) addLearned(t **table, e endpoint.Endpoint) *entry {
	r.learning.Lock()
	defer r.learning.Unlock()
	*t = r.table.Load()
	if (*t).mode == Off || (*t).at[bare(e.Regional)].whole > 0 { // since a moment ago
		return nil
	}
	if parent, ok := (*t).learned.parents.get(bare(e.Regional)); ok {
		return parent // another request has learned it
	}
	if len(r.learned) >= maxLearned {
		return nil
	}
	r.learned = append(r.learned, e)
	parent := (*t).addLearned(e)
	if h, ok := r.names.homeOf(e, (*t).zone); ok {
		r.names.places.add(h)
		r.lookups.wakeUp()
	}
	return parent
}

// addLearned is called with the resolver's learning lock held, or before the table is
// in use.
func (t *table) addLearned(e endpoint.Endpoint) *entry {
	parent := t.newEntry(e, "", "")
	parent.shape = prefix
	t.learned.parents.add(bare(e.Regional), parent)
	if parent.health != nil {
		t.learned.zonal.add(parent.health.name, parent.health)
	}
	return parent
}

// addUnlisted enters an endpoint that is one too many: its health lives as long as the
// table. It returns nil if there are too many of those, too.
func (t *table) addUnlisted(e endpoint.Endpoint) *entry {
	if t.mode == Off || t.learned.unlisted.full() {
		return nil
	}
	alone := &table{tableInput: t.tableInput}
	alone.names, alone.zonal = newNames(t.names.log, t.names.background), nil
	parent := alone.newEntry(e, "", "")
	parent.shape = prefix
	parent.info.counts = t.unmatched.info.counts
	t.learned.unlisted.add(bare(e.Regional), parent)
	parent, _ = t.learned.unlisted.get(bare(e.Regional)) // another request may have been first
	return parent
}

// learnedHost is the route of a learned regional name, or of a host behind one.
func (t *table) learnedHost(parent *entry, host, front string) Route {
	if front == "" || prefix.takes(front[:len(front)-1]) {
		if e := t.complete(parent, host, front); e != nil {
			return e.choose()
		}
	}
	return t.leaveAlone(host, *t.unmatched)
}

// leaveAlone is the route of a host that stays as it is, and remembers that.
func (t *table) leaveAlone(host string, e entry) Route {
	if t.mode == Off {
		e.primary.Reason = SwitchedOff
	}
	return t.alone.add(host, e.keep(host, "")).primary
}
