package middleware

import (
	"io"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// keepBody returns the request in a form whose body may be sent once more, and
// what prepares that when it is needed: false where the body can't go again.
func (c *call) keepBody(req *smithyhttp.Request) (_ *smithyhttp.Request, again func() bool) {
	stream := req.GetStream()
	_, pipe := stream.(*io.PipeReader)
	switch {
	case c.oneWay, pipe: // pipes are left as they are: the SDK has a way of its own with them
		return req, never
	case stream == nil || req.IsStreamSeekable():
		return req, func() bool { return req.RewindStream() == nil }
	}
	// A body that can't be rewound may go again if nobody has read of it: not
	// the transport, and not a logger that shows requests.
	body := &untouched{Reader: stream}
	watched, err := req.SetStream(body)
	if err != nil {
		return req, never
	}
	watched.ContentLength = req.ContentLength
	return watched, func() bool { return !body.touched }
}

func never() bool { return false }

// untouched knows whether it has been read.
type untouched struct {
	io.Reader
	touched bool
}

func (u *untouched) Read(p []byte) (int, error) {
	u.touched = true
	return u.Reader.Read(p)
}
