package middleware

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// keepBody returns the request in a form that shows whether its body can be sent
// once more.
func (c *call) keepBody(req *smithyhttp.Request) *smithyhttp.Request {
	c.body, c.pipe = nil, false
	stream := req.GetStream()
	if stream == nil || req.IsStreamSeekable() {
		return req
	}
	if _, ok := stream.(*io.PipeReader); ok {
		c.pipe = true // the SDK sends pipes in a way of its own, which a wrapper would change
		return req
	}
	body := &untouched{Reader: stream}
	watched, err := req.SetStream(body)
	if err != nil {
		return req
	}
	watched.ContentLength = req.ContentLength
	c.body = body
	return watched
}

// canAgain tells whether the request's body could be sent once more, as things
// stand. One that can't be rewound may only go again if nobody has read of it,
// neither the transport nor a logger that shows requests.
func (c *call) canAgain() bool {
	return !c.streams && !c.pipe && (c.body == nil || !c.body.touched.Load())
}

// again prepares the request's body to be sent once more, and tells whether it
// could.
func (c *call) again(req *smithyhttp.Request) bool {
	return c.canAgain() && (c.body != nil || req.RewindStream() == nil)
}

// untouched knows whether it has been read, and whether that failed.
type untouched struct {
	io.Reader
	touched, failed atomic.Bool
}

func (u *untouched) Read(p []byte) (int, error) {
	u.touched.Store(true)
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		u.failed.Store(true)
	}
	return n, err
}

// encoder is the id of the step that makes a stream of its own, which can't be
// rewound, of a body that perhaps can.
const encoder = "addInputChecksumTrailer"

// originals looks at the body before the encoder does: it is what the SDK's retry
// would rewind.
type originals call

func (*originals) ID() string { return id + "Body" }

func (c *originals) HandleFinalize(ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler) (
	smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error,
) {
	if req, ok := in.Request.(*smithyhttp.Request); ok {
		c.rewinds.Store(req.GetStream() == nil || req.IsStreamSeekable())
	}
	return next.HandleFinalize(ctx, in)
}

// hasSpare tells whether the SDK can make another attempt, if this one fails.
func (c *call) hasSpare(req *smithyhttp.Request) bool {
	if !c.encodes {
		c.rewinds.Store(req.GetStream() == nil || req.IsStreamSeekable())
	}
	if !c.rewinds.Load() {
		return false
	}
	// This is what the SDK tells the service of its attempts: "attempt=1; max=3",
	// without max where there is no end to them.
	header := req.Header["Amz-Sdk-Request"]
	if len(header) != 1 {
		return false
	}
	attempt, ok := numberAfter(header[0], "attempt=")
	most, limited := numberAfter(header[0], "max=")
	return ok && (!limited || attempt < most)
}

func numberAfter(s, key string) (int, bool) {
	i := strings.Index(s, key)
	if i < 0 {
		return 0, false
	}
	s, _, _ = strings.Cut(s[i+len(key):], ";")
	n, err := strconv.Atoi(s)
	return n, err == nil
}
