package resolver

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// names is what is known of each endpoint's names. It outlives tables: another zone,
// catalogue or mode doesn't forget what a name has been doing.
type names struct {
	start      time.Time
	log        *logs
	background *background
	checker    atomic.Pointer[checker]

	// hosts has the health of hosts under zonal names, "photos.bucket.<zonal name>",
	// by themselves: only of those that failed since they last answered, so usually
	// there are none, and it is nil. It is replaced and never changed.
	hosts    atomic.Pointer[map[string]*health]
	suspects suspects
	places   places

	mu       sync.Mutex // taken last, after a health's
	zonal    map[string]*health
	counters map[string]*counts // of each endpoint, by its regional name
	checkers []checker          // that checker asks; replaced and never changed
}

// checker finds out whether a name can be connected to.
type checker func(ctx context.Context, name string) error

func newNames(log *logs, b *background) *names {
	return &names{
		start: time.Now().Add(-1), log: log, background: b,
		zonal: map[string]*health{}, counters: map[string]*counts{}, suspects: suspects{names: map[*health]bool{}},
	}
}

// now is the time since start, in nanoseconds. It is never 0, since start was before
// there was anything.
func (n *names) now() int64 { return int64(time.Since(n.start)) }

// of returns the health of a zonal name, which may have the star of S3's names. Its
// failures are counted in c.
func (n *names) of(zonal string, c *counts) *health {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.zonal[bare(zonal)]
	if h == nil {
		h = newHealth(zonal, nil, n)
		h.counts = c
		n.zonal[h.name] = h
	}
	return h
}

// known returns the health of a zonal name that some table has routed to, or nil.
func (n *names) known(zonal string) *health {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.zonal[zonal]
}

// countsOf are kept for as long as the resolver lives, so an operator who recreates
// an endpoint sees both.
func (n *names) countsOf(e endpoint.Endpoint) *counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := bare(e.Regional)
	c := n.counters[name]
	if c == nil {
		c = &counts{service: e.Service}
		n.counters[name] = c
	}
	return c
}

// counts are all that there are.
func (n *names) counts() []*counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Values(n.counters))
}

// keep forgets all zonal names but those that used reports, and the hosts under them. It returns what is gone.
func (n *names) keep(used func(zonal string) bool) (gone []*health) {
	n.mu.Lock()
	for name, h := range n.zonal {
		if !used(name) {
			gone = append(gone, h)
			delete(n.zonal, name)
			delete(n.suspects.names, h)
		}
	}
	if len(gone) > 0 {
		n.indexSuspects()
	}
	if hosts := n.hosts.Load(); hosts != nil {
		n.setHosts(without(*hosts, func(h *health) bool {
			drop := !used(h.under.name)
			if drop {
				gone = append(gone, h)
			}
			return drop
		}))
	}
	n.mu.Unlock()
	for _, h := range gone {
		h.mu.Lock()
		h.unlisted = true // ends what checks it
		if h.under == nil {
			n.setSuspect(h, false) // it may have become that meanwhile
		}
		h.mu.Unlock()
	}
	return gone
}

// maxHosts bounds how many hosts under zonal names have a health of their own. The
// verdict on one more is dropped: that host is tried again and again, at its clients'
// expense, and nobody else's.
const maxHosts = 512

// host is the health of a host under the zonal name by itself, or nil: it never
// failed, or answered since, or is the zonal name.
func (h *health) host(name string) *health {
	hosts := h.names.hosts.Load()
	if hosts == nil || len(name) == len(h.name) && !h.starred() {
		return nil
	}
	return (*hosts)[name]
}

// addHost makes a health for a host under a zonal name that failed, or returns nil if
// there are too many.
func (n *names) addHost(under *health, host string) *health {
	under.mu.Lock()
	unlisted := under.unlisted
	under.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	hosts := map[string]*health{}
	if now := n.hosts.Load(); now != nil {
		if h := (*now)[host]; h != nil {
			return h
		}
		hosts = maps.Clone(*now)
	}
	if len(hosts) >= maxHosts { // some may have failed once, and were never asked for again
		maps.DeleteFunc(hosts, func(_ string, h *health) bool { return !h.ejected() })
	}
	if len(hosts) >= maxHosts || unlisted {
		return nil
	}
	h := newHealth(host, under, n)
	h.proven.Store(true) // not its business
	hosts[host] = h
	n.setHosts(hosts)
	return h
}

// keepHost forgets a host under a zonal name that is not suspect any more.
func (n *names) keepHost(h *health, suspect bool) {
	if suspect {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if hosts := n.hosts.Load(); hosts != nil && (*hosts)[h.name] == h {
		n.setHosts(without(*hosts, func(other *health) bool { return other == h }))
	}
}

// setHosts must be called with n.mu held.
func (n *names) setHosts(hosts map[string]*health) {
	if len(hosts) == 0 {
		n.hosts.Store(nil)
		return
	}
	n.hosts.Store(&hosts)
}

func without(hosts map[string]*health, drop func(*health) bool) map[string]*health {
	left := maps.Clone(hosts)
	maps.DeleteFunc(left, func(_ string, h *health) bool { return drop(h) })
	return left
}

// withoutHost keeps what stands in front of a zonal name, a bucket's name say, out of
// logs and snapshots.
func (h *health) withoutHost(text, host string) string {
	if len(host) <= len(h.name) {
		return text
	}
	return strings.ReplaceAll(text, host, "*."+h.name)
}

// logEjected and logHealthy log a name's change of state. Of the hosts under a name,
// which may be hundreds of buckets, they log the first that is ejected and the last that
// is healthy again.
func (h *health) logEjected(f failure, pause time.Duration) {
	msg, name := "azaffinity: zonal name ejected, its requests go to the regional name", h.name
	if h.under != nil {
		if h.names.ejectedUnder(h.under) > 1 {
			return
		}
		msg, name = "azaffinity: hosts under the zonal name are ejected, their requests go to the regional name", h.under.name
	}
	h.names.log.warn(msg, "name", name, "cause", f.cause.String(), "error", f.err, "retry_in", pause.Round(time.Second))
}

func (h *health) logHealthy(o outage) {
	switch {
	case h.under == nil:
		h.names.log.info("azaffinity: zonal name healthy again", "name", h.name, "after", o.lasted, "failures", o.failures, "sent_elsewhere", o.elsewhere)
	case h.names.ejectedUnder(h.under) == 0:
		h.names.log.info("azaffinity: no host under the zonal name is ejected any more", "name", h.under.name, "after", o.lasted)
	}
}

// ejectedUnder counts the hosts under the zonal name that are ejected.
func (n *names) ejectedUnder(zonal *health) (count int) {
	hosts := n.hosts.Load()
	if hosts == nil {
		return 0
	}
	for _, h := range *hosts {
		if h.under == zonal && h.ejected() {
			count++
		}
	}
	return count
}
