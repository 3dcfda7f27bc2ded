package dialer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// Given errors as package net, crypto/tls and net/http have them, then each has its cause; and one that is none of connecting has none, unless it came in place of a
// connection.
func TestCauses(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, tt := range map[string]struct {
		err         error
		of, instead resolver.Cause
	}{
		"no such host":            {dial(&net.DNSError{Err: "no such host", IsNotFound: true}), resolver.CauseAbsent, resolver.CauseAbsent},
		"SERVFAIL":                {dial(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), resolver.CauseDNS, resolver.CauseDNS},
		"DNS says nothing":        {dial(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), resolver.CauseDNS, resolver.CauseDNS},
		"another's certificate":   {x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, resolver.CauseCertificate, resolver.CauseCertificate},
		"nobody's certificate":    {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, resolver.CauseCertificate, resolver.CauseCertificate},
		"refused":                 {dial(syscall.ECONNREFUSED), resolver.CauseConnect, resolver.CauseConnect},
		"no SYN was answered":     {dial(errTimeout), resolver.CauseTimeout, resolver.CauseTimeout},
		"the caller's deadline":   {dial(errDeadline), resolver.CauseTimeout, resolver.CauseTimeout},
		"no TLS":                  {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, resolver.CauseTLS, resolver.CauseTLS},
		"the server's alert":      {&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, resolver.CauseTLS, resolver.CauseTLS},
		"our alert":               {&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}, resolver.CauseTLS, resolver.CauseTLS},
		"known":                   {&Error{Cause: resolver.CausePathDead, Err: io.EOF}, resolver.CausePathDead, resolver.CausePathDead},
		"reset within a request":  {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, resolver.NoCause, resolver.CauseConnect},
		"a read that is too late": {&net.OpError{Op: "read", Err: errTimeout}, resolver.NoCause, resolver.CauseTimeout},
		"the context's deadline":  {context.DeadlineExceeded, resolver.NoCause, resolver.CauseTimeout},
		"the handshake's timeout": {errHandshake, resolver.NoCause, resolver.CauseTimeout},
		"the end":                 {io.EOF, resolver.NoCause, resolver.CauseConnect},
	} {
		for _, err := range []error{tt.err, fmt.Errorf("wrapped: %w", tt.err)} {
			if got := CauseOf(err); got != tt.of {
				t.Errorf("%s: got %v, want %v", name, got, tt.of)
			}
			if got := causeOf(err); got != tt.instead {
				t.Errorf("%s, in place of a connection: got %v, want %v", name, got, tt.instead)
			}
		}
	}
}

// Given the dialer's errors, then they say of themselves what the error inside says.
func TestErrorsAreWhatIsInside(t *testing.T) {
	for _, inside := range []error{errTimeout, errDeadline, errHandshake, io.EOF, &net.DNSError{IsTimeout: true}, &net.DNSError{IsTemporary: true}} {
		err := error(&Error{Err: inside})
		var of, in temporary
		errors.As(err, &of)
		if !errors.As(inside, &in) {
			in = &net.DNSError{}
		}
		if of.Timeout() != in.Timeout() || of.Temporary() != in.Temporary() || err.Error() != inside.Error() || !errors.Is(err, inside) {
			t.Errorf("%T: got %v, %v, %q", inside, of.Timeout(), of.Temporary(), err)
		}
	}
	if !errors.Is(errDeadline, context.DeadlineExceeded) || errors.Is(errTimeout, context.DeadlineExceeded) {
		t.Error("the caller's deadline is one, and the dialer's own isn't")
	}
	var late temporary
	if !errors.As(errTimeout, &late) || !late.Temporary() || !late.Timeout() {
		t.Error("a timeout is one, and temporary, as net's is")
	}
}

// temporary is [net.Error], whose Temporary is deprecated and called all the same.
type temporary interface {
	error
	Timeout() bool
	Temporary() bool
}

// Given attempts at addresses that failed, then the zone's name has failed if it leads there, or the address is avoided: for all, or, since a certificate is a host's,
// for the host; and a failure that says nothing of an address is nobody's.
func TestBlame(t *testing.T) {
	home, away := testAddr(1), testAddr(2)
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	certificate := x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}
	for name, tt := range map[string]struct {
		address         string
		served, zonal   bool
		addressed, made bool
		err             error
		failed          bool // the name
		forHost         bool // the address is avoided for this host
		forAll          bool
	}{
		"this zone's, refused":                             {address: "10.0.0.1:443", served: true, addressed: true, err: refused, failed: true},
		"this zone's, certificate":                         {address: "10.0.0.1:443", served: true, addressed: true, err: certificate, forHost: true},
		"another's, refused":                               {address: "10.0.0.2:443", served: true, addressed: true, err: refused, forHost: true, forAll: true},
		"another's, of a host without endpoint":            {address: "10.0.0.2:443", addressed: true, err: refused, forHost: true, forAll: true},
		"another's, by its name":                           {address: "10.0.0.2:443", err: refused},
		"no endpoint serves it, and TCP was there":         {address: "10.0.0.1:443", addressed: true, made: true, err: io.EOF},
		"an endpoint does, and TCP was there":              {address: "10.0.0.1:443", served: true, addressed: true, made: true, err: io.EOF, failed: true},
		"for the zonal name itself, which is told already": {address: "10.0.0.1:443", served: true, zonal: true, addressed: true, err: refused},
		"no files are left":                                {address: "10.0.0.1:443", served: true, addressed: true, err: &net.OpError{Op: "dial", Err: syscall.EMFILE}},
		"a host, and no address":                           {address: "h:443", served: true, err: refused},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestResolver(t)
			d := New(r)
			link.Learned(r, zonal, []netip.Addr{home})
			race := d.newRace(d.plain, "tcp", "h:443", "h", nil)
			race.served, race.zonal, race.addressed = tt.served, tt.zonal, tt.addressed
			a := &attempt{address: tt.address}
			if tt.made {
				a.socket.conn.Store(&conn{})
			}
			race.blame(a, tt.err)
			if got := r.Snapshot().Endpoints[0].LastCause != resolver.NoCause; got != tt.failed {
				t.Errorf("the name has failed: %v", got)
			}
			at := home
			if tt.address == "10.0.0.2:443" {
				at = away
			}
			if got := d.avoid.has("h", at); got != tt.forHost {
				t.Errorf("avoided for the host: %v", got)
			}
			if got := d.avoid.has("other", at); got != tt.forAll {
				t.Errorf("avoided for all: %v", got)
			}
			if got, want := race.judges(), tt.addressed && !tt.zonal; got != want {
				t.Errorf("it judges: %v", got)
			}
		})
	}
}
