package dialer

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
)

// recorded is a connection that keeps what is written to it.
type recorded struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
}

func (r *recorded) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, bytes.Clone(p))
	return r.Conn.Write(p)
}

// Given TLS connections of every kind, when something is written and they are closed, then the end is seen to be an alert, alone and behind data, and the
// data isn't, however short a request may be.
func TestAlertsAreTold(t *testing.T) {
	type kind struct {
		version uint16
		suites  []uint16
	}
	for name, k := range map[string]kind{
		"TLS 1.3":                    {tls.VersionTLS13, nil},
		"TLS 1.2, AES-GCM":           {tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		"TLS 1.2, ChaCha20-Poly1305": {tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}},
	} {
		s := httptest.NewUnstartedServer(nil)
		s.TLS = &tls.Config{MaxVersion: k.version, CipherSuites: k.suites}
		s.StartTLS()
		defer s.Close()
		inner, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		r := &recorded{Conn: inner}
		c := tls.Client(r, &tls.Config{InsecureSkipVerify: true})
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		r.writes = nil
		for _, data := range [][]byte{make([]byte, 9), []byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), make([]byte, 3000)} { // the first is HTTP/2's least frame
			if _, err := c.Write(data); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
		last := len(r.writes) - 1
		for _, w := range r.writes[:last] {
			if isAlert(w) {
				t.Errorf("%s: %d bytes of data are taken for an alert", name, len(w))
			}
		}
		if end := r.writes[last]; !isAlert(end) || !isAlert(append(r.writes[0], end...)) {
			t.Errorf("%s: the end of %d bytes is not told", name, len(end))
		}
	}
}

// Given a connection that writes nothing, when that is asked for again and again, then it is known.
func TestSettled(t *testing.T) {
	var s sent
	for range 2 {
		if !s.settled() {
			t.Fatal("it is not known what was written")
		}
	}
}
