package resolver

import (
	"net"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

func quietResolver(t *testing.T) *Resolver {
	t.Helper()
	r, err := New(WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})), WithEndpoints(endpoint.Static()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// Given a path that is dead from one of this machine's addresses, when another is
// asked about, then that has its own answer.
func TestPathOfAnotherInterface(t *testing.T) {
	r := quietResolver(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	good, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	// A connection from an address that is gone (TEST-NET-2), to the same server.
	c := r.check(&net.TCPAddr{IP: net.IPv4(198, 51, 100, 1)}, ln.Addr().String(), time.Time{})
	<-c.done
	if !c.dead {
		t.Error("not dead from an address that is gone")
	}
	if r.PathDead(good, time.Time{}) {
		t.Error("a connection from a good address is called dead because of another's")
	}
}

// Given a path that was found dead, when it is asked about for requests sent before
// and after somebody looked, then only those sent before are told the same.
func TestDeadPathIsTriedAgain(t *testing.T) {
	r := quietResolver(t)
	gone := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 1)}
	const server = "127.0.0.1:9"
	before := time.Now()
	first := r.check(gone, server, before)
	during := time.Now()
	if <-first.done; !first.dead {
		t.Fatal("not dead from an address that is gone")
	}
	if r.check(gone, server, before) != first {
		t.Error("tried again for a request that was sent before")
	}
	if r.check(gone, server, during) == first {
		t.Error("not tried again for a request that was sent meanwhile")
	}
}
