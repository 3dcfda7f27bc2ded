package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// step is how far one gets with a name.
type step string

const (
	stepName        step = "name"        // it has addresses
	stepConnect     step = "connect"     // one accepts a connection
	stepCertificate step = "certificate" // it is one for the name, and trusted
	stepTLS         step = "tls"         // the rest of the handshake
	stepAnswer      step = "answer"      // an HTTP answer, whatever it says
)

// steps in the order in which they are taken. A certificate that is refused ends the handshake, so TLS is what comes of the rest.
var steps = []step{stepName, stepConnect, stepTLS, stepCertificate, stepAnswer}

// probe is what came of reaching a name.
type probe struct {
	Name      string    `json:"name"`
	Error     string    `json:"error,omitempty"` // of its lookup
	Addresses []address `json:"addresses,omitempty"`
	err       error
}

// address is what came of reaching one address of a name.
type address struct {
	Addr netip.Addr `json:"address"`
	RTT  float64    `json:"rtt_ms,omitempty"` // of the fastest of some TCP handshakes
	// Status is that of the answer, and RequestID reports whether a service of AWS's gave it, rather than what is before it.
	Status    int  `json:"status,omitempty"`
	RequestID bool `json:"request_id,omitempty"`
	// Failed is the step that failed; empty: none did.
	Failed step   `json:"failed,omitempty"`
	Error  string `json:"error,omitempty"`
	rtt    time.Duration
	err    error
}

// result is how far one gets with the name: with the address that one gets furthest with.
func (p *probe) result() address {
	if p.err != nil {
		return address{Failed: stepName, err: p.err}
	}
	return slices.MaxFunc(p.Addresses, func(a, b address) int { return a.reached() - b.reached() })
}

// well reports whether the name can be used.
func (p *probe) well() bool { return p != nil && p.result().well() }

// reached counts the steps that were taken with success, and one more for an answer that is a service's.
func (a address) reached() int {
	switch {
	case a.Failed != "":
		return slices.Index(steps, a.Failed)
	case a.unavailable():
		return len(steps)
	}
	return len(steps) + 1
}

func (a address) passed(s step) bool { return a.reached() > slices.Index(steps, s) }
func (a address) well() bool         { return a.Failed == "" && !a.unavailable() }

// unavailable reports whether a load balancer answered in place of a service.
func (a address) unavailable() bool {
	return a.Failed == "" && !a.RequestID && (a.Status == 502 || a.Status == 503 || a.Status == 504)
}

// foreign reports an IPv6 address on a machine without IPv6: a program there uses the others.
func (a address) foreign() bool {
	return a.Addr.Is6() && (errors.Is(a.err, syscall.ENETUNREACH) || errors.Is(a.err, syscall.EADDRNOTAVAIL))
}

// probe goes as far as it gets with each address of a name.
func (n *network) probe(ctx context.Context, name string) *probe {
	p := &probe{Name: name}
	addrs, err := n.lookupIn(ctx, name)
	if err != nil {
		p.err, p.Error = err, err.Error()
		return p
	}
	p.Addresses = make([]address, len(addrs))
	var all sync.WaitGroup
	for i, addr := range addrs {
		all.Go(func() { p.Addresses[i] = n.walk(ctx, name, addr) })
	}
	all.Wait()
	if own := slices.DeleteFunc(slices.Clone(p.Addresses), address.foreign); len(own) > 0 {
		p.Addresses = own
	}
	return p
}

func (n *network) lookupIn(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, n.patience)
	defer cancel()
	addrs, err := n.lookup(ctx, name)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: name, IsNotFound: true}
	}
	return addrs, err
}

func (n *network) connect(ctx context.Context, name string, addr netip.Addr) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, n.patience)
	defer cancel()
	return n.dial(ctx, name, addr)
}

// walk takes the steps with an address: it connects, shakes hands and sends one unsigned request.
func (n *network) walk(ctx context.Context, name string, addr netip.Addr) address {
	a := address{Addr: addr}
	fail := func(s step, err error) address {
		a.Failed, a.Error, a.err = s, err.Error(), err
		return a
	}
	conn, err := n.connect(ctx, name, addr)
	if err != nil {
		return fail(stepConnect, err)
	}
	defer conn.Close()
	secure := tls.Client(conn, &tls.Config{ServerName: name, RootCAs: n.roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	shake, cancel := context.WithTimeout(ctx, n.patience)
	defer cancel()
	if err := secure.HandshakeContext(shake); err != nil {
		if bad := (*tls.CertificateVerificationError)(nil); errors.As(err, &bad) {
			return fail(stepCertificate, bad.Err)
		}
		return fail(stepTLS, err)
	}
	asked, cancel := context.WithTimeout(ctx, n.patience)
	defer cancel()
	defer context.AfterFunc(asked, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := a.ask(secure, name); err != nil {
		if asked.Err() != nil {
			err = asked.Err()
		}
		return fail(stepAnswer, err)
	}
	return a
}

const maxHeader = 64 << 10

// ask takes any answer for a sign of life.
func (a *address) ask(conn io.ReadWriter, name string) error {
	req, err := http.NewRequest(http.MethodGet, "https://"+name+"/", nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "azaffinity-doctor")
	req.Close = true
	if err := req.Write(conn); err != nil {
		return err
	}
	// The body is nobody's: the connection's end is its end.
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxHeader)), req)
	if err != nil {
		return err
	}
	a.Status = resp.StatusCode
	for _, h := range []string{"X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amz-Id-2"} {
		a.RequestID = a.RequestID || resp.Header.Get(h) != ""
	}
	return nil
}

func isNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func isOtherName(err error) bool {
	var other x509.HostnameError
	return errors.As(err, &other)
}
