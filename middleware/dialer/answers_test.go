package dialer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

type tooLate struct{ error }

func (tooLate) Timeout() bool { return true }

// Given a request that may have been sent, and got no answer, then the zone is blamed for what is not the caller's making.
func TestCauseOfSending(t *testing.T) {
	begun := time.Now()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	past, cancelPast := context.WithDeadline(t.Context(), begun.Add(-time.Second))
	defer cancelPast()
	short, cancelShort := context.WithDeadline(t.Context(), begun.Add(time.Nanosecond))
	defer cancelShort()
	<-short.Done()
	late := tooLate{errors.New("too late")}
	stream := io.MultiReader(strings.NewReader("body"))
	for name, tt := range map[string]struct {
		ctx  context.Context
		body io.Reader
		err  error
		want resolver.Cause
	}{
		"reset":                            {t.Context(), nil, syscall.ECONNRESET, resolver.CauseBroken},
		"reset, a body at hand":            {t.Context(), strings.NewReader("body"), syscall.ECONNRESET, resolver.CauseBroken},
		"reset under a stream":             {t.Context(), stream, syscall.ECONNRESET, resolver.NoCause},
		"cut off":                          {t.Context(), nil, io.ErrUnexpectedEOF, resolver.CauseBroken},
		"the client's own words":           {t.Context(), nil, errors.New("no"), resolver.NoCause},
		"the deadline":                     {short, nil, context.DeadlineExceeded, resolver.CauseUnanswered},
		"the deadline, of a reset":         {short, nil, syscall.ECONNRESET, resolver.CauseUnanswered},
		"the deadline, under a stream":     {short, stream, context.DeadlineExceeded, resolver.NoCause},
		"the client's timeout":             {t.Context(), nil, late, resolver.CauseUnanswered},
		"the client's timeout of a stream": {t.Context(), stream, late, resolver.NoCause},
		"given up":                         {ended, nil, context.Canceled, resolver.NoCause},
		"no time left before":              {past, nil, context.DeadlineExceeded, resolver.NoCause},
	} {
		req, err := http.NewRequestWithContext(tt.ctx, http.MethodPut, "https://host", tt.body)
		if err != nil {
			t.Fatal(err)
		}
		if got := causeOfSending(req, begun, tt.err); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// Given requests of all methods and bodies, then those that their caller may make once more may find out whether a name answers again.
func TestRepeatable(t *testing.T) {
	stream := io.MultiReader(strings.NewReader("body"))
	for _, tt := range []struct {
		method string
		body   io.Reader
		want   bool
	}{
		{"", nil, true},
		{http.MethodGet, nil, true},
		{http.MethodHead, nil, true},
		{http.MethodOptions, nil, true},
		{http.MethodPut, strings.NewReader("body"), true},
		{http.MethodDelete, http.NoBody, true},
		{http.MethodPut, stream, false},
		{http.MethodPost, nil, false},
		{http.MethodPatch, strings.NewReader("body"), false},
	} {
		req, err := http.NewRequest(tt.method, "https://host", tt.body)
		if err != nil {
			t.Fatal(err)
		}
		req.Method = tt.method
		if got := repeatable(req); got != tt.want {
			t.Errorf("%q with %T: %v, want %v", tt.method, tt.body, got, tt.want)
		}
	}
}

// Given an answer from this zone, when it comes to its end, or its reader has enough, then the zone has answered, once; and when it breaks off, it has failed, if that
// isn't the caller's making.
func TestAnswersThatBreakOff(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	readAll := func(body io.ReadCloser) { _, _ = io.ReadAll(body) }
	for name, tt := range map[string]struct {
		ctx      context.Context
		end      error
		use      func(io.ReadCloser)
		answered bool
		failed   resolver.Cause
	}{
		"read":                         {t.Context(), io.EOF, readAll, true, resolver.NoCause},
		"read, and closed":             {t.Context(), io.EOF, func(b io.ReadCloser) { readAll(b); b.Close() }, true, resolver.NoCause},
		"closed":                       {t.Context(), io.EOF, func(b io.ReadCloser) { b.Close() }, true, resolver.NoCause},
		"not read":                     {t.Context(), io.EOF, func(io.ReadCloser) {}, false, resolver.NoCause},
		"broken":                       {t.Context(), io.ErrUnexpectedEOF, readAll, false, resolver.CauseBroken},
		"broken, and closed":           {t.Context(), syscall.ECONNRESET, func(b io.ReadCloser) { readAll(b); b.Close() }, false, resolver.CauseBroken},
		"broken off by who gave it up": {ended, io.ErrUnexpectedEOF, func(b io.ReadCloser) { readAll(b); b.Close() }, false, resolver.NoCause},
		"an error of another's":        {t.Context(), errors.New("gzip"), readAll, false, resolver.NoCause},
	} {
		r := newTestResolver(t)
		route := r.Resolve(regional)
		body := &answer{ReadCloser: io.NopCloser(io.MultiReader(strings.NewReader("content"), breaks{tt.end})), ctx: tt.ctx, route: route}
		tt.use(body)
		s := r.Snapshot().Endpoints[0]
		if r.Resolve(regional).Proven() != tt.answered || s.LastCause != tt.failed {
			t.Errorf("%s: answered %v, failed for %v", name, r.Resolve(regional).Proven(), s.LastCause)
		}
	}
}

// breaks is a reader that has nothing but an error.
type breaks struct{ error }

func (b breaks) Read([]byte) (int, error) { return 0, b.error }
