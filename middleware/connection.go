package middleware

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/resolver"
)

// connections watches the connection of each send. It has to be the innermost
// middleware: the SDK's request logger, further out, plays the request to a
// transport in memory, which would look like a connection.
type connections call

func (*connections) ID() string { return id }

func (c *connections) HandleDeserialize(ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler) (
	out smithymiddleware.DeserializeOutput, metadata smithymiddleware.Metadata, err error,
) {
	if !c.watched {
		return next.HandleDeserialize(ctx, in)
	}
	conn := &c.first
	if conn.trace.GotConn != nil { // used: what it was told may still be asked for
		conn = &connection{}
	}
	conn.resolver, conn.settings, conn.route = c.resolver, c.settings, c.route
	if conn.spare = c.spare; c.spare || (*call)(c).canAgain() {
		conn.limit = c.limit // nobody is cut short who could not go elsewhere
	}
	conn.trace.GetConn = conn.wanted
	conn.trace.GotConn = conn.got
	c.conn = conn

	sending, cancel := context.WithCancelCause(ctx)
	conn.cancel = cancel
	conn.settings.watch.add(conn)
	out, metadata, err = next.HandleDeserialize(httptrace.WithClientTrace(sending, &conn.trace), in)
	conn.settings.watch.remove(conn)
	if mine := conn.end(); mine != nil && err != nil && ctx.Err() == nil {
		err = &smithyhttp.RequestSendError{Err: mine} // not the caller's cancellation: the SDK may retry
	}
	if response, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil && response.Response != nil &&
		response.Body != nil && response.Body != http.NoBody && response.StatusCode != http.StatusSwitchingProtocols {
		conn.body = response.Body
		response.Body = (*answer)(conn)
	} else {
		cancel(nil)
	}
	return out, metadata, err
}

// connection is the way of one send: to a connection, and on it to an answer.
// net/http tells of it, possibly from other goroutines, and more than once.
type connection struct {
	resolver *resolver.Resolver
	settings *settings
	route    resolver.Route
	limit    time.Duration // how long a connection may be waited for; 0: as long as the HTTP client likes
	spare    bool          // the SDK has another attempt to make, if this one fails

	trace  httptrace.ClientTrace
	cancel context.CancelCauseFunc // ends the send
	state  atomic.Int32
	since  atomic.Int64 // when it came into its state, in nanoseconds of now()
	asking atomic.Bool  // whether the path still stands
	told   atomic.Bool  // the resolver, that it doesn't
	mu     sync.Mutex   // guards conn
	conn   net.Conn     // the last one that was handed out

	// When the send is over:
	was    int32 // the state it was in
	waited bool  // for patience or longer in that state
	body   io.ReadCloser

	prev, next *connection // in the watch's list
}

// The states of a connection. Each is left once.
const (
	idle     int32 = iota // nobody has asked for a connection, or tells
	waiting               // for one
	expired               // waited in vain: no byte was sent, nor will be
	sent                  // a connection was handed out: the request may arrive
	silenced              // no answer came, and the path is dead
	late                  // handed out after it had expired, and could not be taken back
	ended
)

func (c *connection) enter(from, to int32) bool {
	c.since.Store(now()) // first, so that nobody takes the new state for an old one
	return c.state.CompareAndSwap(from, to)
}

var start = time.Now()

// now is nanoseconds of a clock that only goes forward.
func now() int64 { return int64(time.Since(start)) }

func (c *connection) wanted(string) {
	if c.state.Load() == idle {
		c.enter(idle, waiting)
	}
}

func (c *connection) got(info httptrace.GotConnInfo) {
	switch c.state.Load() {
	case idle, waiting, sent: // or sent once more, which net/http does when nothing arrived
		c.mu.Lock()
		c.conn = info.Conn
		c.mu.Unlock()
		if c.enter(idle, sent) || c.enter(waiting, sent) || c.enter(sent, sent) {
			return
		}
	}
	if c.state.Load() != expired {
		return // the send is over
	}
	// It comes too late: another name is about to be asked. One that is for this
	// request alone can be closed before anything is written to it.
	if info.Conn == nil || multiplexed(info.Conn) {
		c.enter(expired, late)
		return
	}
	_ = info.Conn.Close()
}

// multiplexed tells whether a connection may carry other requests.
func multiplexed(conn net.Conn) bool {
	secure, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// look is called every now and then while the send is under way.
func (c *connection) look(now int64) {
	waited := time.Duration(now - c.since.Load())
	switch c.state.Load() {
	case waiting:
		if c.limit > 0 && waited >= c.limit && c.enter(waiting, expired) {
			c.cancel(errExpired)
		}
	case sent:
		if silence := c.settings.silence; silence > 0 && waited >= silence && c.asking.CompareAndSwap(false, true) {
			go c.ask()
		}
	}
}

// ask finds out whether the path to the server still stands, and ends the send
// where it doesn't and the SDK can make another attempt. One that has none is
// left alone: it may be answered yet.
func (c *connection) ask() {
	defer func() { _ = recover() }()
	defer c.asking.Store(false)
	if !c.dead() || !c.spare {
		c.since.Store(now()) // look again after as long a silence
		return
	}
	if c.settings.watch.mayCancel() && c.enter(sent, silenced) {
		c.cancel(errSilenced)
	}
}

// askLater finds out, when the send is over, whether it was the path that had died.
func (c *connection) askLater() {
	go func() {
		defer func() { _ = recover() }()
		c.dead()
	}()
}

// dead tells whether the path to the server is, and the resolver if so.
func (c *connection) dead() bool {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	dead := conn != nil && c.resolver.PathDead(conn)
	if dead && !c.told.Swap(true) {
		c.resolver.Failed(c.route, resolver.CauseSilent, c.silence())
	}
	return dead
}

var (
	errExpired  = errors.New("azaffinity: no connection in time")
	errSilenced = errors.New("azaffinity: no answer, and the path is dead")
)

func (c *connection) silence() error {
	return &pathError{resolver.CauseSilent, fmt.Sprintf("no answer from %s, to which the path is dead", c.route.Host)}
}

// end is called when the send is over. It returns the error where it was this
// package that ended it.
func (c *connection) end() error {
	for {
		state := c.state.Load()
		c.was, c.waited = state, true
		switch state {
		case expired, late:
			return &pathError{resolver.CauseTimeout, fmt.Sprintf("no connection to %s within %v", c.route.Host, c.limit)}
		case silenced:
			return c.silence()
		}
		c.waited = now()-c.since.Load() >= int64(patience)
		if c.state.CompareAndSwap(state, ended) { // else it moved meanwhile
			return nil
		}
	}
}

// patience is how long a name inside the zone may take to connect, or to answer,
// before a caller's deadline tells against it.
const patience = 100 * time.Millisecond

// unreached tells whether it is certain that no byte of the request was sent.
// Where a connection was handed out, some may have been. Where none was,
// something must still show that it is net/http that says so, or the error
// itself must be the proof: other HTTP clients report nothing.
func (c *connection) unreached(proof bool) bool {
	if c == nil {
		return false // it never came to sending
	}
	switch c.was {
	case idle:
		return proof
	case waiting, expired:
		return true
	}
	return false
}

// answer is the body of the answer. Its end is the end of the send.
type answer connection

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.body.Read(p)
	if err != nil {
		a.cancel(nil)
	}
	return n, err
}

func (a *answer) Close() error {
	err := a.body.Close()
	a.cancel(nil)
	return err
}
