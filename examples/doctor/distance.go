package main

import (
	"context"
	"net/netip"
	"time"
)

// handshakes is how many are made with each address, and maxHandshakes with those that seem to be further away than they
// should. The shortest counts: one takes a round trip, and whatever keeps this machine busy.
const handshakes, maxHandshakes = 5, 25

// measure finds out how far the endpoint's addresses are. Nothing else should be going on.
func (x *exam) measure(ctx context.Context, n *network) {
	best := map[netip.Addr]time.Duration{}
	for round := range maxHandshakes {
		if round >= handshakes && !x.farther() {
			break
		}
		for _, p := range x.probes() {
			for i := range p.Addresses {
				a := &p.Addresses[i]
				if a.passed(stepConnect) && !isOver(ctx) && (p == x.Zonal || x.isOther(*a)) {
					if took, ok := n.handshake(ctx, p.Name, a.Addr); ok && (best[a.Addr] == 0 || took < best[a.Addr]) {
						best[a.Addr] = took
					}
				}
				a.rtt = best[a.Addr]
				a.RTT = inMillis(a.rtt)
			}
		}
	}
}

func (n *network) handshake(ctx context.Context, name string, addr netip.Addr) (time.Duration, bool) {
	start := time.Now()
	conn, err := n.connect(ctx, name, addr)
	took := time.Since(start)
	if err != nil {
		return 0, false
	}
	_ = conn.Close()
	return took, true
}

// farther reports whether an address in another zone is clearly nearer than the own one's. Zones are half a millisecond or
// more apart, a round trip in a zone takes a quarter of that.
func (x *exam) farther() bool {
	if x.Zonal == nil {
		return false
	}
	own, other := nearest(x.Zonal.Addresses), nearest(x.others())
	return own.rtt > 0 && other.rtt > 0 && own.rtt-other.rtt > 150*time.Microsecond && 2*own.rtt > 3*other.rtt
}

// nearest is the one with the shortest round trip of those that have been measured.
func nearest(addrs []address) (best address) {
	for _, a := range addrs {
		if a.rtt > 0 && (best.rtt == 0 || a.rtt < best.rtt) {
			best = a
		}
	}
	return best
}

func inMillis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
