package resolver

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// HostAttempts is how many attempts a host had that no endpoint was known for.
type HostAttempts struct {
	// Host is a service host. What stands in front of it, a bucket's name or an account, is
	// left out, and has a star in its place. It is empty for all hosts beyond the first few
	// hundred together.
	Host     string
	Attempts uint64
}

// maxUnserved bounds how many hosts that no endpoint is known for are told apart.
const maxUnserved = 256

// unserved are the hosts that no endpoint is known for, with their counts, for as long as the
// resolver lives: theirs are the endpoints to create next.
type unserved struct {
	others *entry // of hosts that are not told apart, and of all other routes by no endpoint

	mu     sync.Mutex
	byHost map[string]*entry // as they are shown
}

func newUnserved() *unserved { return &unserved{others: countedEntry(), byHost: map[string]*entry{}} }

func countedEntry() *entry { return (&entry{info: &endpointInfo{counts: &counts{}}}).keep("", "") }

// entry is the one of a host that the table has nothing for. It is remembered there, so that
// the next request for the host finds it at once.
func (u *unserved) entry(t *table, host string) *entry {
	if e, ok := t.unserved.get(host); ok {
		return e // asked for in another spelling
	}
	if t.unserved.full() {
		return u.others
	}
	e := u.of(withoutFront(host))
	t.unserved.add(host, e)
	return e
}

func (u *unserved) of(shown string) *entry {
	u.mu.Lock()
	defer u.mu.Unlock()
	e := u.byHost[shown]
	switch {
	case e != nil:
	case len(u.byHost) >= maxUnserved:
		return u.others
	default:
		e = countedEntry()
		u.byHost[shown] = e
	}
	return e
}

// counts are those of all of them, and of all other routes by no endpoint.
func (u *unserved) counts() []*counts {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := []*counts{u.others.info.counts}
	for _, e := range u.byHost {
		all = append(all, e.info.counts)
	}
	return all
}

// list is all that had an attempt, those with the most first.
func (u *unserved) list() []HostAttempts {
	u.mu.Lock()
	defer u.mu.Unlock()
	var list []HostAttempts
	add := func(host string, c *counts) {
		if n := c.attempts[NoEndpoint].Load() + c.attempts[Nearest].Load(); n > 0 {
			list = append(list, HostAttempts{host, n})
		}
	}
	for host, e := range u.byHost {
		add(host, e.info.counts)
	}
	add("", u.others.info.counts)
	slices.SortFunc(list, func(a, b HostAttempts) int {
		return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), cmp.Compare(a.Host, b.Host))
	})
	return list
}

// withoutFront is a host without what a client put in front of the service's own: a bucket's
// name has no business on a page, and all of them need the same endpoint.
func withoutFront(host string) string {
	labels := strings.Split(host, ".")
	for i := len(labels) - 1; i > 0; i-- {
		_, fronted := owners[labels[i]]
		if fronted || strings.HasPrefix(labels[i], "s3-") || strings.HasPrefix(labels[i], "s3express") || isAccount(labels[i-1]) {
			return "*." + strings.Join(labels[i:], ".")
		}
	}
	return host
}
