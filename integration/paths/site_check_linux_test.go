package paths

import (
	"bufio"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// Given a connection, when the site has a fault, then packets are lost as its name says: rows whose calls don't mind would pass without a fault, too.
func TestFaults(t *testing.T) {
	need(t)
	t.Parallel()
	s := newSite(t, h2c) // which answers what isn't HTTP/2 with HTTP/2's settings: bytes that can be waited for
	dial := func(limit time.Duration) (net.Conn, error) {
		return net.DialTimeout("tcp4", net.JoinHostPort(s.zones[0].addr, h2c.port()), limit)
	}
	open := func() net.Conn {
		conn, err := dial(patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	// answered is how long the server's first bytes take.
	answered := func(conn net.Conn, limit time.Duration) (time.Duration, error) {
		start := time.Now()
		if _, err := conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
			return 0, err
		}
		_ = conn.SetReadDeadline(start.Add(limit))
		_, err := bufio.NewReader(conn).ReadByte()
		return time.Since(start), err
	}

	before := open()
	s.closeTo(t, home)
	var late net.Error
	if _, err := dial(700 * time.Millisecond); !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("closed: dialling gives the error %v, want no answer in time", err)
	}
	if took, err := answered(before, patience); err != nil {
		t.Errorf("closed: a connection from before is answered after %v: %v", took, err)
	}
	if err := nft("delete element inet fault closed { " + s.zones[0].addr + " }\n"); err != nil {
		t.Fatal(err)
	}

	const blip = 700 * time.Millisecond
	passing, dead := open(), open()
	s.lose(t, blip, home)
	if took, err := answered(passing, patience); err != nil || took < blip/2 || took > 4*blip {
		t.Errorf("lost for %v: answered after %v: %v", blip, took, err)
	}
	s.lose(t, 0, home)
	if took, err := answered(dead, 2*time.Second); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("lost for good: answered after %v: %v; want nothing", took, err)
	}
}
