package middleware

import (
	"bytes"
	"context"
	"io"
	"math"
	"strings"
	"sync/atomic"
	"time"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// body is what matters of a call's request body: whether it can be sent once more.
type body struct {
	streams bool     // both ways: it is written while it is sent
	encoded bool     // a step of the SDK makes a stream of its own of it, which can't be rewound
	logged  bool     // a step of the SDK reads it, to log it
	rewinds bool     // the SDK's retry can rewind it
	fixed   bool     // of this attempt's: it can't be rewound from where we stand
	pipe    bool     // it is an io.Pipe's
	reads   *watched // of this attempt's; nil: it is rewound without fail, or there is none
}

// encoder is the id of the step that makes a stream of its own, which can't be rewound, of a body that perhaps can.
const encoder = "addInputChecksumTrailer"

// originalBody looks at the body before the encoder does: it is what the SDK's retry would rewind.
type originalBody call

func (*originalBody) ID() string { return id + "Body" }

func (c *originalBody) HandleFinalize(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (
	smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error,
) {
	if req, ok := in.Request.(*smithyhttp.Request); ok && !c.busy.Load() {
		c.body.rewinds = req.GetStream() == nil || req.IsStreamSeekable()
	}
	return next.HandleFinalize(ctx, in)
}

// watch returns the request in a form that shows whether its body is read.
func (b *body) watch(req *smithyhttp.Request) *smithyhttp.Request {
	stream := req.GetStream()
	seekable := stream == nil || req.IsStreamSeekable()
	if !b.encoded {
		b.rewinds = seekable
	}
	b.fixed, b.pipe, b.reads = !seekable, false, nil
	switch stream.(type) {
	case nil, *bytes.Reader, *strings.Reader:
		return req
	case *io.PipeReader:
		b.pipe = true // the SDK sends pipes in a way of its own, which a wrapper would change
		return req
	}
	if b.streams {
		return req
	}
	w := &watched{Reader: stream}
	var wrapped io.Reader = w
	if seekable {
		wrapped = &watchedSeeker{w, stream.(io.Seeker)}
		if length, ok := stream.(lengther); ok { // or the SDK seeks to the end, and back
			wrapped = struct {
				*watchedSeeker
				lengther
			}{&watchedSeeker{w, stream.(io.Seeker)}, length}
		}
	}
	watching, err := req.SetStream(wrapped)
	if err != nil && seekable { // it says that it can be rewound, and can't
		b.fixed = true
		watching, err = req.SetStream(w)
	}
	if err != nil {
		return req
	}
	watching.ContentLength = req.ContentLength
	b.reads = w
	return watching
}

// failsOver reports whether the request is sure to be sent once more if it is not sent at first. A client that isn't ours may read the body before it
// has a connection.
func (b *body) failsOver(foreign bool) bool {
	return b.resendable() && (!b.fixed || !foreign && !b.logged)
}

// resendable reports whether the body could be sent once more if nobody reads it.
func (b *body) resendable() bool { return !b.streams && !b.pipe }

// again prepares the body to be sent once more, and reports whether it could. One that can't be rewound may only go again if nobody has read of it,
// neither the transport nor a logger that shows requests.
func (b *body) again(req *smithyhttp.Request) bool {
	switch {
	case !b.resendable():
		return false
	case b.reads != nil && !b.reads.touched.Load():
		return true
	}
	return !b.fixed && req.RewindStream() == nil
}

// failed reports whether reading the body failed.
func (b *body) failed() bool { return b.reads != nil && b.reads.broken.Load() }

// late reports whether the send that began at that time waits for the caller to say what to send, or has mostly done so: then the name owed no answer. Of a
// pipe nobody knows.
func (b *body) late(begun time.Time) bool {
	if b.pipe || b.reads == nil {
		return b.pipe
	}
	return b.reads.since.Load() != 0 || b.reads.waited() > time.Since(begun)/2
}

// watched knows whether it has been read, whether that failed, and how long it took.
type watched struct {
	io.Reader
	touched, broken atomic.Bool
	spent           atomic.Int64 // in reads that have ended
	since           atomic.Int64 // when the read that is under way began, since started; 0: none is
}

// started is where the times of reads begin.
var started = time.Now().Add(-1)

// waited is how long readers have waited.
func (w *watched) waited() time.Duration {
	waited := time.Duration(w.spent.Load())
	if since := w.since.Load(); since != 0 {
		waited += time.Since(started) - time.Duration(since)
	}
	return waited
}

func (w *watched) Read(p []byte) (int, error) {
	w.touched.Store(true)
	begun := int64(time.Since(started))
	w.since.Store(begun)
	n, err := w.Reader.Read(p)
	w.spent.Add(int64(time.Since(started)) - begun)
	w.since.Store(0)
	if err != nil && err != io.EOF {
		w.broken.Store(true)
	}
	return n, err
}

type lengther interface{ Len() int }

type watchedSeeker struct {
	*watched
	io.Seeker
}

// anotherAttempt reports whether the SDK can make another attempt if this one fails, as far as its own header tells: "attempt=1; max=3", without max if
// there is no end to them.
func anotherAttempt(req *smithyhttp.Request) bool {
	header := req.Header["Amz-Sdk-Request"]
	if len(header) != 1 {
		return false
	}
	attempt, ok := numberAfter(header[0], "attempt=")
	most, limited := numberAfter(header[0], "max=")
	return ok && (!limited || attempt < most)
}

// numberAfter reads the number that follows key. It is on the way of every call.
func numberAfter(s, key string) (n int, ok bool) {
	i := strings.Index(s, key)
	if i < 0 {
		return n, false
	}
	for _, c := range []byte(s[i+len(key):]) {
		if c < '0' || c > '9' {
			return n, ok && c == ';'
		}
		if n > math.MaxInt32 {
			return n, false
		}
		n, ok = 10*n+int(c-'0'), true
	}
	return n, ok
}
