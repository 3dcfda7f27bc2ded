package resolver

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"syscall"
	"time"
)

const (
	// A path is dead when neither of two packets that ask for a connection is
	// answered. A single one may get lost, and the kernel sends its next a second
	// later: a connection of ours asks again before that.
	probePause = 200 * time.Millisecond
	probeTime  = 600 * time.Millisecond
	// probeAgain is how long the outcome holds for others who ask.
	probeAgain = time.Second
)

// check is one look at a path.
type check struct {
	begun time.Time
	done  chan struct{} // closed when dead and at are known
	dead  bool
	at    time.Time
}

// PathDead tells whether the server that a connection leads to can't be connected
// to any more, since a request was sent that isn't answered: it tries, from the same
// address to the same address, and closes what it gets. That takes up to 0.6 s. Who
// asks meanwhile, or within a second, is told the same, unless the path was dead, and
// seen to be before since: it may have come back, and is tried once more. Whatever
// answers, a refusal too, shows that the path stands.
//
// It is false where that can't be found out: for connections that aren't the
// kernel's TCP, or of which a dialer shows only a wrapper without a NetConn
// method, and once the resolver is closed.
func (r *Resolver) PathDead(conn net.Conn, since time.Time) bool {
	tcp := tcpOf(conn)
	if r == nil || tcp == nil {
		return false
	}
	local, ok := tcp.LocalAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	for {
		c := r.check(local, tcp.RemoteAddr().String(), since)
		if c == nil {
			return false
		}
		select {
		case <-c.done:
		case <-r.closing.Done():
			return false
		}
		if !c.outdated(since) { // as one may be that was under way
			return c.dead
		}
	}
}

// tcpOf is the TCP connection that carries conn, or nil.
func tcpOf(conn net.Conn) *net.TCPConn {
	for range 8 { // nobody wraps deeper
		switch c := conn.(type) {
		case *net.TCPConn:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
	return nil
}

// check is the one that is under way, or was a moment ago, or a new one.
func (r *Resolver) check(local *net.TCPAddr, remote string, since time.Time) *check {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	maps.DeleteFunc(r.checks, func(_ string, c *check) bool { return c.old() })
	path := local.IP.String() + "%" + local.Zone + " " + remote // another interface may have another
	if c := r.checks[path]; c != nil && !c.outdated(since) {
		return c
	}
	c := &check{begun: time.Now(), done: make(chan struct{})}
	r.checks[path] = c
	r.running.Add(1)
	go func() {
		defer r.running.Done()
		c.dead = unanswered(r.closing, local, remote)
		c.at = time.Now()
		if c.at.Sub(c.begun) > 2*probeTime {
			c.dead = false // this process stood still, and missed the answer perhaps
		}
		close(c.done)
	}()
	return c
}

func (c *check) old() bool { return c.over() && time.Since(c.at) >= probeAgain }

// outdated tells whether the path was dead before since, and may not be any more.
func (c *check) outdated(since time.Time) bool { return c.over() && c.dead && c.begun.Before(since) }

func (c *check) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// unanswered tells whether nothing comes back from the address.
func unanswered(ctx context.Context, local *net.TCPAddr, remote string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: local.IP, Zone: local.Zone}, KeepAlive: -1}
	dead := make(chan bool, 2)
	ask := func() {
		conn, err := dialer.DialContext(ctx, "tcp", remote)
		if err == nil {
			_ = conn.Close()
		}
		dead <- showsDead(err)
	}
	go ask()
	select {
	case no := <-dead:
		if !no {
			return false
		}
		dead <- true // unreachable, says somebody on the way: once more
		sleep(ctx, probePause)
	case <-time.After(probePause):
	}
	go ask()
	first, second := <-dead, <-dead
	return first && second
}

// showsDead tells whether an error of connecting is the path's, and not one of
// this process, which may have no file descriptor left, nor an answer.
func showsDead(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() ||
		slices.ContainsFunc([]error{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN, syscall.EADDRNOTAVAIL},
			func(e error) bool { return errors.Is(err, e) })
}
