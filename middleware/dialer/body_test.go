package dialer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// stream is a body that can't be had twice.
type stream struct {
	io.Reader
	closed int
}

func (s *stream) Close() error {
	s.closed++
	return nil
}

// Given a body that can't be had twice, when a request is sent, then it may be sent once more as long as nothing was read of it, and once; and it is closed once, by
// whoever sends it last, however late net/http does so.
func TestHeldBodies(t *testing.T) {
	read := func(b *heldBody) { _, _ = b.Read(make([]byte, 1)) }
	closes := func(b *heldBody) { _ = b.Close() }
	for name, tt := range map[string]struct {
		before func(*heldBody)
		again  bool
		closed int // by then
	}{
		"closed":           {closes, true, 0},
		"not yet closed":   {func(*heldBody) {}, true, 0},
		"read":             {read, false, 0},
		"read and closed":  {func(b *heldBody) { read(b); closes(b) }, false, 1},
		"called off":       {func(b *heldBody) { closes(b); b.release() }, false, 1},
		"called off, open": {func(b *heldBody) { b.release() }, false, 0},
	} {
		s := &stream{Reader: strings.NewReader("body")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://h", s)
		if err != nil {
			t.Fatal(err)
		}
		sending, b := hold(req)
		if sending.Body != io.ReadCloser(b) || req.Body != io.ReadCloser(s) {
			t.Fatalf("%s: the body that is sent is not the one that is held", name)
		}
		tt.before(b)
		if got := b.again(req); (got == req) != tt.again {
			t.Errorf("%s: again is %v", name, got)
		}
		if got := b.again(req); got != nil {
			t.Errorf("%s: it is sent a third time", name)
		}
		if s.closed != tt.closed {
			t.Errorf("%s: closed %d times, want %d", name, s.closed, tt.closed)
		}
		b.release()
		_ = b.Close()
		if want := map[bool]int{true: 0, false: tt.closed + 1}[tt.again]; s.closed != want {
			t.Errorf("%s: closed %d times in the end, want %d", name, s.closed, want)
		}
	}
}

// Given bodies that can be had twice, or none, when a request is sent once more, then with a body of its own.
func TestBodiesAtHand(t *testing.T) {
	for _, body := range []io.Reader{nil, http.NoBody, strings.NewReader("body")} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://h", body)
		if err != nil {
			t.Fatal(err)
		}
		sending, b := hold(req)
		again := b.again(req)
		if sending != req || b != nil || again == nil {
			t.Fatalf("%T: held %v, again %v", body, b, again)
		}
		b.release()
		if req.GetBody == nil || body == http.NoBody {
			continue
		}
		if content, _ := io.ReadAll(again.Body); string(content) != "body" || again.Body == req.Body {
			t.Errorf("again with %q", content)
		}
		req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
		if b.again(req) != nil {
			t.Error("again without a body")
		}
	}
}

// Given control functions of the user's, when a socket is made, then it is theirs to refuse, and the newer one is asked.
func TestControl(t *testing.T) {
	older, newer := errors.New("older"), errors.New("newer")
	var nd net.Dialer
	if err := control(&nd)(t.Context(), "tcp4", "10.0.0.1:443", nil); err != nil {
		t.Errorf("got %v", err)
	}
	nd.Control = func(string, string, syscall.RawConn) error { return older }
	if err := control(&nd)(t.Context(), "tcp4", "10.0.0.1:443", nil); err != older {
		t.Errorf("got %v", err)
	}
	nd.ControlContext = func(context.Context, string, string, syscall.RawConn) error { return newer }
	var s socket
	if err := control(&nd)(context.WithValue(t.Context(), socketKey{}, &s), "tcp4", "10.0.0.1:443", nil); err != newer || s.raw.Load() == nil {
		t.Errorf("got %v, and the socket is seen: %v", err, s.raw.Load() != nil)
	}
}
