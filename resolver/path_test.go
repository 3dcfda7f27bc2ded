package resolver_test

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// server accepts, counts and keeps connections.
func server(t *testing.T) (ln net.Listener, accepted *atomic.Int32) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	accepted = new(atomic.Int32)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return ln, accepted
}

func dial(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func newQuietResolver(t *testing.T) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(resolver.WithEndpoints(nowhere{}), resolver.WithZone(nowhere{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// Given a path that stands, when many ask about it at once, then it isn't dead, and
// the server was connected to once; and once more a second later.
func TestPathStands(t *testing.T) {
	ln, accepted := server(t)
	conn := dial(t, ln)
	r := newQuietResolver(t)
	ask := func() {
		var asking sync.WaitGroup
		for range 20 {
			asking.Add(1)
			go func() {
				defer asking.Done()
				if r.PathDead(tls.Client(conn, &tls.Config{}), time.Now()) {
					t.Error("dead, although the server answers")
				}
			}()
		}
		asking.Wait()
	}
	ask()
	ask()
	time.Sleep(1100 * time.Millisecond) // the kernel's sockets know no fake time
	ask()
	for range 100 {
		if accepted.Load() == 3 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := accepted.Load(); n != 3 { // with the one that the question is about
		t.Errorf("the server was connected to %d times, want 3", n)
	}
}

// Given a server that no longer listens, when it refuses, then that is an answer:
// what it is still busy with may yet be answered.
func TestRefusalIsNoDeadPath(t *testing.T) {
	ln, _ := server(t)
	conn := dial(t, ln)
	ln.Close()
	if newQuietResolver(t).PathDead(conn, time.Time{}) {
		t.Error("dead, although connecting is refused")
	}
}

// Given what can't be found out, when asked, then no path is called dead.
func TestPathUnknown(t *testing.T) {
	ln, _ := server(t)
	conn := dial(t, ln)
	closed := newQuietResolver(t)
	closed.Close()
	pipe, end := net.Pipe()
	defer pipe.Close()
	defer end.Close()
	var none *resolver.Resolver
	for name, dead := range map[string]bool{
		"a closed resolver":  closed.PathDead(conn, time.Time{}),
		"no resolver":        none.PathDead(conn, time.Time{}),
		"a pipe":             newQuietResolver(t).PathDead(pipe, time.Time{}),
		"a wrapper":          newQuietResolver(t).PathDead(struct{ net.Conn }{conn}, time.Time{}),
		"no connection":      newQuietResolver(t).PathDead(nil, time.Time{}),
		"one that is closed": func() bool { c := dial(t, ln); c.Close(); return newQuietResolver(t).PathDead(c, time.Time{}) }(),
	} {
		if dead {
			t.Errorf("%s: the path is called dead", name)
		}
	}
}

// nowhere is a source that has not answered yet.
type nowhere struct{}

func (nowhere) Zone(ctx context.Context) (zone.Zone, error) {
	<-ctx.Done()
	return zone.Zone{}, ctx.Err()
}

func (nowhere) Endpoints(ctx context.Context) (endpoint.Catalog, error) {
	<-ctx.Done()
	return endpoint.Catalog{}, ctx.Err()
}
