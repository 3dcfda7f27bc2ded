package dialer

import (
	"io"
	"net/http"
	"sync"
)

// heldBody is a request's body that may be sent once more while nobody has read of it: net/http closes it if there is no connection, and here that waits.
type heldBody struct {
	io.ReadCloser
	mu      sync.Mutex
	closed  bool // by net/http, while it was held
	settled bool // it was read, or is not sent once more
	passed  bool // it is sent once more, by who closes it then
}

// hold returns the request to send, and its body, if that can't be had once more otherwise. A request must not be changed by those who send it.
func hold(req *http.Request) (*http.Request, *heldBody) {
	if !streams(req) {
		return req, nil
	}
	b := &heldBody{ReadCloser: req.Body}
	sending := req.WithContext(req.Context())
	sending.Body = b
	return sending, b
}

func (b *heldBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	b.settled = true
	b.mu.Unlock()
	return b.ReadCloser.Read(p)
}

func (b *heldBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.passed: // net/http may do this late
		return nil
	case !b.settled:
		b.closed = true
		return nil
	}
	return b.ReadCloser.Close()
}

// release has the body closed, if it was to be closed.
func (b *heldBody) release() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	held := b.closed && !b.settled
	b.settled = true
	if held {
		_ = b.ReadCloser.Close()
	}
}

// again is the request once more, or nil if its body is gone.
func (b *heldBody) again(req *http.Request) *http.Request {
	switch {
	case b != nil:
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.settled {
			return nil
		}
		b.settled, b.passed = true, true
		return req // with the body as it was
	case req.Body == nil || req.Body == http.NoBody:
		return req
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	again := req.WithContext(req.Context())
	again.Body = body
	return again
}
