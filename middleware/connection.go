package middleware

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

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
	isWanted, isGot atomic.Bool
}

func (c *connection) wanted(string)             { c.isWanted.Store(true) }
func (c *connection) got(httptrace.GotConnInfo) { c.isGot.Store(true) }

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
