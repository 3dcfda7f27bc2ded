package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// front is an endpoint's network interface in one zone, with the load balancer behind it.
type front struct {
	lab     *Lab
	service string
	zone    *zone
	backend backend // nil: a TCP server
	addr    netip.AddrPort
	server  io.Closer
	release func() // gives the port back

	switching sync.Mutex       // held by setFault and close
	listening *net.TCPListener // nil while the fault is Refuse

	mu      sync.Mutex
	fault   Fault
	changed chan struct{} // closed when fault changes
	closed  bool
	wires   map[*wire]struct{}

	accepted chan net.Conn
	done     chan struct{} // closed when the server is
}

func newFront(l *Lab, e *endpoint, z *zone, b backend, cert *tls.Certificate) (*front, error) {
	f := &front{
		lab: l, service: e.Service, zone: z, backend: b,
		changed: make(chan struct{}), wires: map[*wire]struct{}{}, accepted: make(chan net.Conn), done: make(chan struct{}),
	}
	addr, err := l.addressOf(e, z)
	if err != nil {
		return nil, err
	}
	ln, err := f.settle(addr, e.port(l))
	if err != nil {
		return nil, fmt.Errorf("zone %s: %w", z.Name, err)
	}
	f.addr = ln.Addr().(*net.TCPAddr).AddrPort()
	err = l.inside(z, func() (err error) {
		f.release, err = reserve(f.addr)
		return err
	})
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	f.accept(ln)
	if f.speaksHTTP() {
		f.serve(cert)
	} else {
		f.relay(e.Server)
	}
	return f, nil
}

func (f *front) speaksHTTP() bool { return f.backend != nil }

// serve ends TLS and hands requests to the service.
func (f *front) serve(cert *tls.Certificate) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(f.lab.http2)
	server := &http.Server{
		Handler:   f,
		Protocols: protocols,
		ErrorLog:  log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if f.current() == WrongCertificate {
				return f.lab.ca.wrong, nil
			}
			return cert, nil
		}},
		BaseContext: func(net.Listener) context.Context { return f.lab.ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c.(*tls.Conn).NetConn())
		},
	}
	f.server = server
	f.lab.running.Go(func() { _ = server.ServeTLS(listener{f}, "", "") })
}

type connKey struct{}

// maxBody is how much of a request the lab takes, in bytes.
const maxBody = 64 << 20

// readBody returns the request's whole body. It makes room for that at once: under the race detector, growing is most of what an upload costs.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), maxBody)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	return body.Bytes(), err
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	body, err := readBody(w, r)
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		f.backend.fail(w, id, &apiError{http.StatusRequestEntityTooLarge, "EntityTooLarge", "the lab takes 64 MiB at most"})
		return
	}
	if err != nil {
		return // the client is gone
	}
	conn := r.Context().Value(connKey{}).(serverConn)
	switch fault := f.current(); fault.kind {
	case Reset.kind:
		conn.wire.reset(conn)
		return
	case Unavailable.kind:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<html><body><b>Http/1.1 Service Unavailable</b></body> </html>")
		return
	case Stall.kind:
		switch f.leaves(fault, r.Context().Done()) {
		case None:
		case fault: // the client gave this request up, and not those beside it on the connection
			panic(http.ErrAbortHandler)
		default:
			conn.wire.reset(conn)
			return
		}
	case Throttle.kind:
		f.backend.fail(w, id, throttled(f.service))
		return
	case serverFails:
		f.backend.fail(w, id, serverError(fault.n))
		return
	case resetAfter:
		cut := &cutWriter{ResponseWriter: w, left: fault.n, conn: conn}
		defer cut.reset()
		w = cut
	}
	if err := f.verify(r, body); err != nil {
		f.backend.fail(w, id, err)
		return
	}
	attempt, _, _ := strings.Cut(r.Header.Get("Amz-Sdk-Request"), ";")
	f.lab.log.add(Execution{
		Service: f.service, Zone: f.zone.Name, Host: r.Host,
		Operation: f.backend.operation(r, body), Invocation: r.Header.Get("Amz-Sdk-Invocation-Id"), Attempt: attempt,
	})
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.backend.serve(w, r, body, id)
}

// serverError has the codes that AWS documents for all services:
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func serverError(status int) *apiError {
	code := strings.ReplaceAll(http.StatusText(status), " ", "")
	if status == http.StatusInternalServerError {
		code = "InternalFailure"
	}
	return &apiError{status, code, "the lab was asked for this error"}
}

// throttled is what a service answers that asks for fewer requests: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and the
// common errors of the others.
func throttled(service string) *apiError {
	if service == "s3" {
		return &apiError{http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."}
	}
	return &apiError{http.StatusBadRequest, "ThrottlingException", "Rate exceeded"}
}

// requestID looks like AWS's.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// cutWriter sends the first bytes of an answer's body and then resets the connection.
type cutWriter struct {
	http.ResponseWriter
	left int
	conn serverConn
	sent bool // the server has something to flush
	done bool
}

func (c *cutWriter) WriteHeader(status int) {
	if c.left > 0 {
		c.ResponseWriter.WriteHeader(status)
		c.sent = true
	}
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if n := min(len(p), c.left); n > 0 {
		_, _ = c.ResponseWriter.Write(p[:n])
		c.left -= n
		c.sent = true
	}
	if c.left == 0 {
		c.reset()
	}
	return len(p), nil
}

// FlushError lets a service stream its answer, which must not send headers too early.
func (c *cutWriter) FlushError() error {
	if !c.sent || c.done {
		return nil
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

func (c *cutWriter) reset() {
	if c.done {
		return
	}
	c.done = true
	if c.sent {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
	}
	c.conn.wire.reset(c.conn)
}

// current is the fault there is.
func (f *front) current() Fault {
	fault, _, _ := f.state()
	return fault
}

func (f *front) state() (Fault, <-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault, f.changed, f.closed
}

// pass waits while the fault holds something up, and reports whether there is still somebody to pass it to.
func (f *front) pass(held func(Fault) bool, dead <-chan struct{}) bool {
	for {
		fault, changed, closed := f.state()
		if closed || !held(fault) {
			return !closed
		}
		select {
		case <-changed:
		case <-dead:
			return false
		}
	}
}

// leaves waits until the fault is another, and returns that; or until done or the end, and returns the fault.
func (f *front) leaves(fault Fault, done <-chan struct{}) Fault {
	for {
		now, changed, closed := f.state()
		if now != fault || closed {
			return now
		}
		select {
		case <-changed:
		case <-done:
			return now
		}
	}
}
