package dialer_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// nameServer answers for names with IPv4 addresses, in the order given, and says of all others that they don't exist.
type nameServer struct {
	asked atomic.Int32 // for A records
	mu    sync.Mutex
	names map[string][]string
	mute  string // a name that it says nothing of
}

// silentOn has it say nothing when it is asked for the name.
func (s *nameServer) silentOn(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = name
}

// set changes a name's addresses.
func (s *nameServer) set(name string, addrs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = addrs
}

// newNameServer returns a resolver that asks the server.
func newNameServer(t testing.TB, names map[string][]string) (*nameServer, *net.Resolver) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	s := &nameServer{names: names}
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := s.answer(buf[:n]); answer != nil {
				_, _ = pc.WriteTo(answer, from)
			}
		}
	}()
	return s, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// answer makes a DNS message (RFC 1035, section 4) of a question.
func (s *nameServer) answer(question []byte) []byte {
	const header, nxdomain, typeA = 12, 3, 1
	var labels []string
	at := header
	for at < len(question) && question[at] != 0 {
		n := int(question[at])
		if at+1+n > len(question) {
			return nil
		}
		labels = append(labels, string(question[at+1:at+1+n]))
		at += 1 + n
	}
	if at += 5; at > len(question) {
		return nil
	}
	kind := binary.BigEndian.Uint16(question[at-4:])
	s.mu.Lock()
	name := strings.ToLower(strings.Join(labels, "."))
	addrs, ok := s.names[name]
	mute := s.mute == name
	s.mu.Unlock()
	if mute {
		return nil
	}
	if kind != typeA {
		addrs = nil
	} else {
		s.asked.Add(1)
	}
	answer := append([]byte(nil), question[:at]...)
	answer[2], answer[3] = 0x81, 0x80 // an answer, with recursion
	if !ok {
		answer[3] |= nxdomain
	}
	binary.BigEndian.PutUint16(answer[6:], uint16(len(addrs)))
	binary.BigEndian.PutUint32(answer[8:], 0) // no other sections
	for _, a := range addrs {
		answer = append(answer, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4)
		answer = append(answer, net.ParseIP(a).To4()...)
	}
	return answer
}

// Given hosts, when their addresses are asked for, then DNS is asked once for each, but for a host whose zonal name nobody has looked up, and where this zone is
// unknown.
func TestHowOftenDNSIsAsked(t *testing.T) {
	const other = "db.example"
	server, names := newNameServer(t, map[string][]string{regionalName: {"127.0.0.1", "127.0.0.2"}, zonalName: {"127.0.0.1"}, other: {"127.0.0.3"}})
	r := newResolver(t)
	served, unserved := dialer.New(r, dialer.WithNetResolver(names)), dialer.New(nil, dialer.WithNetResolver(names))
	until(t, "address of this zone", func() bool { return r.Locate(netip.MustParseAddr("127.0.0.1")) == resolver.Home })
	until(t, "address elsewhere", func() bool { return r.Locate(netip.MustParseAddr("127.0.0.2")) == resolver.Away })
	for _, tt := range []struct {
		of   *dialer.Dialer
		host string
	}{{served, regionalName}, {served, other}, {unserved, other}, {unserved, regionalName}} {
		before := server.asked.Load()
		if _, err := tt.of.LookupHost(t.Context(), tt.host); err != nil {
			t.Fatal(err)
		}
		if n := server.asked.Load() - before; n != 1 {
			t.Errorf("DNS was asked %d times for %s, want once", n, tt.host)
		}
	}
}
