package soak

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// call is one of an SDK client's operations, and what was sent for it.
type call struct {
	operation  string
	start, end time.Time

	mu    sync.Mutex
	sends []*send
}

// send is one request that was given to the HTTP client: one try of the SDK's, or of azaffinity's.
type send struct {
	attempt   string // as the SDK counts: "attempt=1; max=3"
	host      string
	at        time.Time
	took      time.Duration
	outcome   string
	mu        sync.Mutex
	transfers []*transfer
}

// transfer is a connection's use by one send. net/http may need several: it repeats some requests by itself when a kept
// connection turns out to be closed.
type transfer struct {
	to    net.Addr
	bytes atomic.Int64 // written to the network
}

// notice is more than TLS writes to say that it closes a connection, and less than the shortest signed request.
const notice = 64

// carried reports whether some of the request may have reached the server.
func (t *transfer) carried() bool { return t.bytes.Load() > notice }

func (s *send) carried() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.transfers {
		if t.carried() {
			return true
		}
	}
	return false
}

// attempts is the sends of the call by the SDK's attempts.
func (c *call) attempts() [][]*send {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all [][]*send
	for i, s := range c.sends {
		if i == 0 || s.attempt != c.sends[i-1].attempt {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], s)
	}
	return all
}

// carried is how many of the SDK's attempts may have reached a server.
func (c *call) carried() (n int) {
	for _, attempt := range c.attempts() {
		for _, s := range attempt {
			if s.carried() {
				n++
				break
			}
		}
	}
	return n
}

// sentTwice reports whether an attempt was sent again after it may have reached a server: what must not be.
func (c *call) sentTwice() bool {
	for _, attempt := range c.attempts() {
		for _, s := range attempt[:len(attempt)-1] {
			if s.carried() {
				return true
			}
		}
	}
	return false
}

// outcomes are those of the sends.
func (c *call) outcomes() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, s := range c.sends {
		all = append(all, s.outcome)
	}
	return strings.Join(all, "; ")
}

func (c *call) took() time.Duration { return c.end.Sub(c.start) }

func (c *call) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %v to %v, took %v", c.operation, c.start.Format("15:04:05.000"), c.end.Format("15:04:05.000"), c.end.Sub(c.start).Round(time.Millisecond))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sends {
		fmt.Fprintf(&b, "\n    %s %s %s", s.at.Format("15:04:05.000"), s.attempt, s.host)
		s.mu.Lock()
		for _, t := range s.transfers {
			fmt.Fprintf(&b, ", %d bytes to %v", t.bytes.Load(), t.to)
		}
		s.mu.Unlock()
		fmt.Fprintf(&b, "\n        %v: %s", s.took.Round(time.Millisecond), s.outcome)
	}
	return b.String()
}

type callKey struct{}

// recorder is the program's HTTP client. It notes what goes through it, on the call that is in the context.
type recorder struct {
	client aws.HTTPClient
}

// counted makes the client's connections ones that count.
func counted(client *http.Client) *http.Client {
	transport := client.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &counting{Conn: conn}, nil
	}
	return client
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	c, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return r.client.Do(req)
	}
	s := &send{attempt: req.Header.Get("Amz-Sdk-Request"), host: req.URL.Host, at: time.Now()}
	c.mu.Lock()
	c.sends = append(c.sends, s)
	c.mu.Unlock()
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		t := &transfer{to: info.Conn.RemoteAddr()}
		s.mu.Lock()
		s.transfers = append(s.transfers, t)
		s.mu.Unlock()
		if conn := countingOf(info.Conn); conn != nil {
			conn.use.Store(t)
		}
	}}
	response, err := r.client.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	c.mu.Lock()
	defer c.mu.Unlock()
	s.took = time.Since(s.at)
	if err != nil {
		s.outcome = err.Error()
	} else {
		s.outcome = response.Status
	}
	return response, err
}

// counting is a connection that tells its present use how much it writes.
type counting struct {
	net.Conn
	use atomic.Pointer[transfer] // nil before the first
}

func (c *counting) NetConn() net.Conn { return c.Conn }

// countingOf finds it under TLS and, with azaffinity, under the dialer's connection.
func countingOf(conn net.Conn) *counting {
	for conn != nil {
		if c, ok := conn.(*counting); ok {
			return c
		}
		outer, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		conn = outer.NetConn()
	}
	return nil
}

func (c *counting) Write(p []byte) (int, error) {
	use := c.use.Load()
	n, err := c.Conn.Write(p)
	if use != nil {
		use.bytes.Add(int64(n))
	}
	return n, err
}
