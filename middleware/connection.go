package middleware

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	smithymiddleware "github.com/aws/smithy-go/middleware"
)

// connections watches the connection of each send. It has to be the innermost
// middleware: the SDK's request logger, further out, plays the request to a
// transport in memory, which would look like a connection.
type connections call

func (*connections) ID() string { return id }

func (c *connections) HandleDeserialize(ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler) (
	out smithymiddleware.DeserializeOutput, metadata smithymiddleware.Metadata, err error,
) {
	conn := &c.first
	if conn.trace.GotConn != nil { // used: what it was told may still be asked for
		conn = &connection{}
	}
	conn.trace.GetConn = conn.wanted
	conn.trace.GotConn = conn.got
	c.conn = conn
	return next.HandleDeserialize(httptrace.WithClientTrace(ctx, &conn.trace), in)
}

// connection is what net/http told of the way to one connection.
type connection struct {
	trace httptrace.ClientTrace
	// A transport may look for a connection, and get one, more than once, and
	// one of somebody's own making may do so from other goroutines.
	isWanted, isGot, isWantedAgain atomic.Bool
	since                          atomic.Int64 // when it was last wanted, in Unix nanoseconds
}

func (c *connection) wanted(string) {
	if c.isGot.Load() {
		c.isWantedAgain.Store(true)
	}
	c.since.Store(time.Now().UnixNano())
	c.isWanted.Store(true)
}

func (c *connection) got(httptrace.GotConnInfo) { c.isGot.Store(true) }

// patience is how long a connection inside the zone may take to be made before
// its silence tells against the name.
const patience = 100 * time.Millisecond

// silent tells whether a connection has been waited for in vain.
func (c *connection) silent() bool {
	return c != nil && c.isWanted.Load() && !c.isGot.Load() && time.Now().UnixNano()-c.since.Load() >= int64(patience)
}

// redialled tells whether the transport, or the client around it, looked for
// another connection after it had one.
func (c *connection) redialled() bool { return c != nil && c.isWantedAgain.Load() }

// unreached tells whether it is certain that no byte of the request was sent.
// Where a connection was handed out, some may have been. Where none was,
// something must still show that it is net/http that says so, or the error
// itself must be the proof: other HTTP clients report nothing.
func (c *connection) unreached(proof bool) bool {
	if c == nil {
		return false // it never came to sending
	}
	return !c.isGot.Load() && (proof || c.isWanted.Load())
}
