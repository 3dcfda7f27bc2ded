package middleware

import (
	"io"
	"sync/atomic"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// keepBody returns the request in a form that shows whether its body can be sent
// once more.
func (c *call) keepBody(req *smithyhttp.Request) *smithyhttp.Request {
	c.body = nil
	stream := req.GetStream()
	if stream == nil || req.IsStreamSeekable() {
		return req
	}
	if _, ok := stream.(*io.PipeReader); ok {
		return req // the SDK sends pipes in a way of its own, which a wrapper would change
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

// again prepares the request's body to be sent once more. It is false where the
// body can't be: one that can't be rewound may only go again if nobody has read
// of it, neither the transport nor a logger that shows requests.
func (c *call) again(req *smithyhttp.Request) bool {
	if c.body != nil {
		return !c.body.touched.Load()
	}
	return req.RewindStream() == nil
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
