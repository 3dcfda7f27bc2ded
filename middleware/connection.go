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
	"slices"
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
	if c.doubled.Load() && ctx.Value(aside{}) != nil || !c.watched {
		return next.HandleDeserialize(ctx, in)
	}
	conn := (*call)(c).connect(ctx)
	defer conn.abandon()
	out, metadata, err = next.HandleDeserialize(&conn.sending, in)
	mine := conn.end()
	response, _ := out.RawResponse.(*smithyhttp.Response)
	hasBody := response != nil && response.Response != nil && response.Body != nil && response.Body != http.NoBody
	if mine != nil && err == nil && hasBody { // it came as we ended the send: its body can't be read any more
		_ = response.Body.Close()
		err = mine
		if conn.was != silenced {
			conn.was = sent
		}
	}
	switch {
	case mine != nil && err != nil && ctx.Err() == nil:
		err = &smithyhttp.RequestSendError{Err: mine} // not the caller's cancellation: the SDK may retry
	case err == nil && hasBody && response.StatusCode != http.StatusSwitchingProtocols:
		conn.body = response.Body
		response.Body = (*answer)(conn)
		return out, metadata, nil
	}
	conn.cancel(nil)
	return out, metadata, err
}

// connect begins a send.
func (c *call) connect(ctx context.Context) *connection {
	conn := &c.first
	if conn.sending.Context != nil { // used: what it was told may still be asked for
		conn = &connection{}
	}
	conn.resolver, conn.settings, conn.route = c.resolver, c.settings, c.route
	conn.request, conn.spare = c.body, c.spare
	if again := c.canAgain(); again || c.spare {
		conn.limit = c.limit // nobody is cut short who could not go elsewhere
		conn.hedge = c.limit > 0 && c.route.Fallback == "" && !c.hedging
		conn.anew = again && c.probing()
		if again && c.picky {
			conn.bad = c.bad
		}
	}
	c.conn = conn
	conn.cancel = conn.sending.begin(ctx, conn.wanted, conn.got)
	conn.settings.watch.add(conn)
	return conn
}

// connection is the way of one send: to a connection, and on it to an answer.
// net/http tells of it, possibly from other goroutines, and more than once.
type connection struct {
	resolver *resolver.Resolver
	settings *settings
	route    resolver.Route
	limit    time.Duration // how long a connection may be waited for; 0: as long as the HTTP client likes
	hedge    bool          // to wait no longer would be one more of the hedges under way
	hedged   bool          // and is
	spare    bool          // the SDK has another attempt to make, if this one fails
	request  *untouched    // its body, where it can't be rewound
	bad      []string      // addresses that it must not lead to
	anew     bool          // it must not be one from before

	sending sending
	cancel  context.CancelCauseFunc // ends the send
	state   atomic.Int32
	since   atomic.Int64 // when it came into its state, in nanoseconds of now()
	asking  atomic.Bool  // whether the path still stands
	later   atomic.Int64 // not to be asked before, in nanoseconds of now()
	told    atomic.Bool  // the resolver, that it doesn't
	mu      sync.Mutex   // guards conn and handed
	conn    net.Conn     // the last one that was handed out
	handed  int          // how many were

	// When the send is over:
	over   bool
	was    int32 // the state it was in
	waited bool  // for patience or longer in that state
	body   io.ReadCloser

	prev, next *connection // in the watch's list
}

// sending is the context of a send: one that can be cancelled, and has a trace.
type sending struct {
	context.Context
	trace httptrace.ClientTrace
}

// begin makes it the caller's context, with that one's trace, if any, told after
// ours. [httptrace.WithClientTrace] does the same by reflection, which takes longer
// than all else that we do.
func (s *sending) begin(ctx context.Context, wanted func(string), got func(httptrace.GotConnInfo)) (cancel context.CancelCauseFunc) {
	s.trace = httptrace.ClientTrace{GetConn: wanted, GotConn: got}
	if callers := httptrace.ContextClientTrace(ctx); callers != nil {
		s.trace = *callers
		s.trace.GetConn, s.trace.GotConn = both(wanted, callers.GetConn), both(got, callers.GotConn)
	}
	s.Context, cancel = context.WithCancelCause(ctx)
	return cancel
}

func both[T any](first, second func(T)) func(T) {
	if second == nil {
		return first
	}
	return func(t T) {
		first(t)
		second(t)
	}
}

// traced knows the key that net/http asks a context for its trace with, and no other.
var traced = httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{})

// Value finds the trace here.
func (s *sending) Value(key any) any {
	if traced.Value(key) != nil {
		return &s.trace
	}
	return s.Context.Value(key)
}

// The states of a connection. Each is left once.
const (
	idle     int32 = iota // nobody has asked for a connection, or tells
	waiting               // for one
	expired               // waited in vain: no byte was sent, nor will be
	refused               // one that is unwanted was handed out, and closed: the same
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
	if c.state.Load() == waiting && c.unwanted(info) && !multiplexed(info.Conn) && closed(info.Conn) && c.enter(waiting, refused) {
		c.cancel(errRefused)
		return
	}
	switch c.state.Load() {
	case idle, waiting, sent: // or sent once more, which net/http does when nothing arrived
		c.mu.Lock()
		c.conn = info.Conn
		c.handed++
		c.mu.Unlock()
		if c.enter(idle, sent) || c.enter(waiting, sent) || c.enter(sent, sent) {
			return
		}
	}
	if c.state.Load() != expired {
		return // the send is over
	}
	// It comes too late: another connection, or name, is about to be asked for. One
	// that is for this request alone can be closed before anything is written to it.
	// Of one that others share, net/http's HTTP/2 looks whether the request has been
	// cancelled before it writes.
	c.cancel(errExpired)
	if !multiplexed(info.Conn) && (info.Conn == nil || !closed(info.Conn)) {
		c.enter(expired, late)
	}
}

func (c *connection) unwanted(info httptrace.GotConnInfo) bool {
	return c.anew && info.Reused || c.bad != nil && slices.Contains(c.bad, addressOf(info.Conn))
}

// closed closes a connection, and tells whether it did: there are HTTP clients
// that show one which isn't to be touched.
func closed(conn net.Conn) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return conn.Close() == nil
}

// address is where the request was sent to, or empty.
func (c *connection) address() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return addressOf(c.conn)
}

func addressOf(conn net.Conn) string {
	defer func() { _ = recover() }() // as in closed
	if conn == nil || conn.RemoteAddr() == nil {
		return ""
	}
	return conn.RemoteAddr().String()
}

// multiplexed tells whether a connection may carry other requests.
func multiplexed(conn net.Conn) bool {
	secure, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// look is called every now and then while the send is under way.
func (c *connection) look(now int64) {
	state := c.state.Load() // first: what it was entered with is at least as new
	waited := time.Duration(now - c.since.Load())
	switch state {
	case waiting:
		if c.limit > 0 && waited >= c.limit && (c.spare || c.request == nil || !c.request.touched.Load()) &&
			(!c.hedge || c.settings.watch.mayHedge()) {
			c.hedged = c.hedge
			if c.enter(waiting, expired) {
				c.cancel(errExpired)
			}
		}
	case sent:
		if doubts := c.settings.doubts(); doubts > 0 && waited >= doubts && now >= c.later.Load() && c.asking.CompareAndSwap(false, true) {
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
	dead, handed := c.dead()
	switch {
	case c.state.Load() != sent:
		return // answered meanwhile, so it stands
	case dead:
		c.report()
	}
	switch {
	case !dead || !c.spare:
		c.since.Store(now()) // look again after as long a silence
	case !mayCancel():
		c.later.Store(now() + int64(c.settings.silence/4))
	case c.giveUp(handed):
		c.cancel(errSilenced)
	default: // answered in the last moment, or sent over another connection
		repay(1)
	}
}

// giveUp ends the send, if it is still under way on the connection that was the
// handed-th.
func (c *connection) giveUp(handed int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handed == handed && c.enter(sent, silenced)
}

// askLater finds out, when the send is over, whether it was the path that had died.
func (c *connection) askLater() {
	go func() {
		defer func() { _ = recover() }()
		if dead, _ := c.dead(); dead {
			c.report()
		}
	}()
}

// dead used to try the path with connections of its own: the dialer finds out, from
// inside the transport.
func (c *connection) dead() (dead bool, handed int) { return false, 0 }

// report has the resolver know that the path is dead.
func (c *connection) report() {
	if !c.told.Swap(true) {
		c.route.Failed(resolver.CausePathDead, c.silence())
	}
}

var (
	errRefused  = errors.New("azaffinity: this connection is not wanted")
	errExpired  = errors.New("azaffinity: no connection in time")
	errSilenced = errors.New("azaffinity: no answer, and the path is dead")
)

func (c *connection) silence() error {
	return &pathError{resolver.CausePathDead, fmt.Sprintf("no answer from %s, to which the path is dead", c.route.Host)}
}

// abandon ends a send that its HTTP client, by panicking, did not.
func (c *connection) abandon() {
	if !c.over {
		_ = c.end()
		c.cancel(nil)
	}
}

// end is called when the send is over. It returns the error where it was this
// package that ended it.
func (c *connection) end() error {
	c.over = true
	c.settings.watch.remove(c)
	for {
		state := c.state.Load()
		c.was, c.waited = state, true
		switch state {
		case expired, late:
			return &pathError{resolver.CauseTimeout, fmt.Sprintf("no connection to %s within %v", c.route.Host, c.limit)}
		case refused:
			return &pathError{resolver.CauseBroken, fmt.Sprintf("a connection to %s that is kept, or leads to where an attempt failed, is not wanted", c.route.Host)}
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
// Where a connection was handed out, some may have been. Where none was, something
// must show that it is net/http that says so: other HTTP clients report nothing,
// and may have sent the request before they failed. Then only the error can prove it.
func (c *connection) unreached(err error) bool {
	if c == nil {
		return false // it never came to sending
	}
	switch c.was {
	case idle:
		cause, proof := causeOf(err)
		return proof && (cause == resolver.CauseAbsent || cause == resolver.CauseCertificate)
	case waiting, expired, refused:
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
