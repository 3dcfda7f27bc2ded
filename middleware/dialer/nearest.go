package dialer

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Where nothing is known of a host's zones, the nearest of its private addresses is as good as it gets. How far one is, the kernel says, of connections that
// are made anyway: it has measured the time from its SYN to the answer. This process's clock would measure its own load.
const (
	// keptTimes is how many handshake times of an address count: the last ones. Their lower quartile is how far it is, since load only adds to it.
	keptTimes = 16
	// fewTimes is how many an address must have before anything is said of it.
	fewTimes = 4
	// Those are left out that are farther than the nearest by a share of its time, by leastGap, in microseconds, and by noise times the uncertainty.
	leastShare = 0.2
	leastGap   = 30
	noise      = 3.5
	// A choice is changed only after another would have been made in changeAfter of the windows in a row in which there were connections.
	window      = time.Minute
	changeAfter = 3
	// exploreEvery is in how many connections one is made as DNS says, so that the others' times don't grow old, and exploreDoubt while another may be nearer.
	exploreEvery, exploreDoubt = 200, 100
	// What is remembered, at the most. Hosts that lead to more addresses are left alone.
	maxNearHosts, maxNearAddrs, maxAddrsOfHost = 256, 2048, 16
)

// nearest chooses among the addresses of hosts of which nothing else is known.
type nearest struct {
	mu    sync.Mutex
	addrs map[netip.Addr]*times
	hosts map[string]*preference
}

// times are the last handshake times of an address, in microseconds.
type times struct {
	last [keptTimes]uint32
	n    int
}

// preference is the choice among a host's addresses.
type preference struct {
	near   []netip.Addr // those that are connected to first, in order: most often one, and more as long as they may be as near; empty: all
	rivals []netip.Addr // those that would have been chosen in the last windows
	wins   int          // in how many
	window int64        // the last one
	dials  int
}

func newNearest() *nearest {
	return &nearest{addrs: map[netip.Addr]*times{}, hosts: map[string]*preference{}}
}

// private reports whether an address is of a network of one's own: RFC 1918, RFC 6598 and RFC 4193. So is all of 127.0.0.0/8 but localhost: whoever gives
// a host several such addresses has made a network of it on one machine.
func private(ip netip.Addr) bool {
	if ip.Is4() {
		if b := ip.As4(); b[0] == 100 && b[1]&0xc0 == 64 {
			return true
		}
	}
	return ip.IsPrivate() || ip.Is4() && ip.IsLoopback() && ip != netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// measured takes in how long the kernel's handshake with an address took. It is dropped if no host is known to lead there.
func (n *nearest) measured(ip netip.Addr, micros uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := n.addrs[ip]; t != nil && micros > 0 {
		t.last[t.n%keptTimes] = micros
		t.n++
	}
}

// prefer is which of a host's addresses are to be connected to first, or none. news says why, if that has changed.
func (n *nearest) prefer(host string, ips []netip.Addr, now time.Duration) (near []netip.Addr, news string) {
	if len(ips) < 2 || len(ips) > maxAddrsOfHost || slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !private(ip) }) {
		return nil, ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.follow(host, ips) {
		return nil, ""
	}
	p := n.hosts[host]
	before := p.near
	best, near, why := n.best(ips)
	if why == "" {
		return before, ""
	}
	p.choose(best, near, ips, int64(now/window))
	switch {
	case slices.Equal(p.near, before):
	case len(p.near) > 0:
		news = why
	default:
		news = why + ": connections are made as DNS says"
	}
	return p.near, news
}

// follow has the handshake times of a host's addresses kept, if there is room.
func (n *nearest) follow(host string, ips []netip.Addr) bool {
	if n.hosts[host] == nil {
		if len(n.hosts) >= maxNearHosts {
			maps.DeleteFunc(n.hosts, func(_ string, p *preference) bool { return len(p.near) == 0 })
		}
		if len(n.hosts) >= maxNearHosts {
			return false
		}
		n.hosts[host] = &preference{window: -1}
	}
	for _, ip := range ips {
		if n.addrs[ip] == nil {
			if len(n.addrs) >= maxNearAddrs {
				clear(n.addrs) // the choices stay until there are times again
			}
			n.addrs[ip] = &times{}
		}
	}
	return true
}

// choose takes in which address is the nearest now, and which may be as near. What narrows a choice holds at once, and so does one in place of an address that the
// host no longer leads to.
func (p *preference) choose(best netip.Addr, near, ips []netip.Addr, window int64) {
	leadsThere := func(ip netip.Addr) bool { return slices.Contains(ips, ip) }
	chosen := func(ip netip.Addr) bool { return slices.Contains(p.near, ip) }
	switch {
	case len(p.near) == 0, !all(p.near, leadsThere), len(near) > 0 && all(near, chosen):
		p.near, p.wins, p.window = near, 0, window
	case window == p.window:
	case chosen(best):
		p.wins, p.window = 0, window
	default:
		if p.wins == 0 || !slices.Equal(near, p.rivals) {
			p.rivals, p.wins = near, 0
		}
		p.wins, p.window = p.wins+1, window
		if p.wins >= changeAfter {
			p.near, p.wins = near, 0
		}
	}
}

func all(ips []netip.Addr, are func(netip.Addr) bool) bool {
	return !slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !are(ip) })
}

// explores reports whether the next connection to a host is made as DNS says, although one address is preferred.
func (n *nearest) explores(host string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.hosts[host]
	if p == nil {
		return false
	}
	p.dials++
	if p.wins > 0 {
		return p.dials%exploreDoubt == 0
	}
	return p.dials%exploreEvery == 0
}

// best is the address that seems to be the nearest, and those that may be as near, itself among them, in order; or none if all may. why is empty if there is an
// address of which too little is known.
func (n *nearest) best(ips []netip.Addr) (best netip.Addr, near []netip.Addr, why string) {
	least, next := estimate{far: math.Inf(1)}, math.Inf(1)
	for _, ip := range ips {
		e, ok := n.addrs[ip].estimate()
		if !ok {
			return best, nil, ""
		}
		if e.far < least.far {
			best, least = ip, e
		}
	}
	for _, ip := range ips {
		e, _ := n.addrs[ip].estimate()
		if e.far-least.far < max(least.far*leastShare, leastGap, noise*math.Hypot(least.error, e.error)) {
			near = append(near, ip)
		} else {
			next = min(next, e.far)
		}
	}
	if len(near) == len(ips) {
		return best, nil, fmt.Sprintf("all may be as near as the nearest, %.2f ms", least.far/1000)
	}
	slices.SortFunc(near, netip.Addr.Compare)
	return best, near, fmt.Sprintf("%.2f ms, and the next %.2f ms", least.far/1000, next/1000)
}

// estimate is how far an address is, in microseconds.
type estimate struct{ far, error float64 }

// estimate is the lower quartile. Its error is twice the distance to the median, by the root of the number of times: as it is for times that are spread normally,
// and somewhat more for few, of which the distance may be small by chance.
func (t *times) estimate() (e estimate, ok bool) {
	if t == nil || t.n < fewTimes {
		return e, false
	}
	sorted := t.last
	some := sorted[:min(t.n, keptTimes)]
	slices.Sort(some)
	at := func(q float64) float64 {
		i := q * float64(len(some)-1)
		low := int(i)
		high := min(low+1, len(some)-1)
		return float64(some[low]) + (i-float64(low))*(float64(some[high])-float64(some[low]))
	}
	e.far = at(0.25)
	e.error = 2 * (at(0.5) - e.far) / math.Sqrt(float64(len(some)-2))
	return e, true
}
