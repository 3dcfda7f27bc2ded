package middleware

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Given bodies of all kinds, then those that can be rewound still can be where they are watched, and those that must not be touched are not.
func TestBodiesAreWatched(t *testing.T) {
	pipe, _ := io.Pipe()
	for _, tt := range []struct {
		name           string
		body           io.Reader
		streams        bool
		same, seekable bool
	}{
		{"bytes", bytes.NewReader([]byte("body")), false, true, true},
		{"a string", strings.NewReader("body"), false, true, true},
		{"a pipe", pipe, false, true, false},
		{"a stream both ways", io.MultiReader(strings.NewReader("body")), true, true, false},
		{"a file, both ways", struct{ io.ReadSeeker }{strings.NewReader("body")}, true, true, true},
		{"a file, which has no Len", struct{ io.ReadSeeker }{strings.NewReader("body")}, false, false, true},
		{"one that seeks, and has a length", section{strings.NewReader("body")}, false, false, true},
		{"one that is read once", io.MultiReader(strings.NewReader("body")), false, false, false},
	} {
		req, err := smithyhttp.NewStackRequest().(*smithyhttp.Request).SetStream(tt.body)
		if err != nil {
			t.Fatal(err)
		}
		b := &body{streams: tt.streams}
		watched := b.watch(req)
		if same := watched == req; same != tt.same || watched.IsStreamSeekable() != tt.seekable || (b.reads == nil) != tt.same {
			t.Errorf("%s: the same: %v, seekable: %v, watched: %v", tt.name, same, watched.IsStreamSeekable(), b.reads != nil)
		}
		if tt.streams && b.again(watched) {
			t.Errorf("%s: is said to be sent once more", tt.name)
		}
		if b.reads == nil {
			continue
		}
		if got, err := io.ReadAll(watched.GetStream()); string(got) != "body" || err != nil || !b.reads.touched.Load() {
			t.Errorf("%s: read %q, %v, touched: %v", tt.name, got, err, b.reads.touched.Load())
		}
		if b.failed() {
			t.Errorf("%s: reading it is said to have failed", tt.name)
		}
		if tt.seekable && !b.again(watched) {
			t.Errorf("%s: can't be sent once more", tt.name)
		}
		if b.late(time.Now().Add(-time.Hour)) {
			t.Errorf("%s: a read that has ended is taken for one that is under way", tt.name)
		}
	}
}

// Given a body whose reader fails, then that is known, and not of one that came to its end.
func TestBodiesThatFail(t *testing.T) {
	for err, want := range map[error]bool{io.EOF: false, nil: false, io.ErrUnexpectedEOF: true} {
		b := &body{reads: &watched{Reader: ends{err}}}
		_, got := b.reads.Read(make([]byte, 1))
		if b.failed() != want || got != err {
			t.Errorf("%v: failed %v, error %v", err, b.failed(), got)
		}
	}
	if (&body{}).failed() {
		t.Error("no body failed")
	}
}

// ends is a reader that has an error and nothing else.
type ends struct{ err error }

func (e ends) Read([]byte) (int, error) { return 0, e.err }

type section struct{ *strings.Reader }

// Given sends of which the caller's body took a share, then the name owed no answer if that was more than half, or if a read is under way.
func TestLateBodies(t *testing.T) {
	begun := time.Now().Add(-100 * time.Minute)
	for minutes, want := range map[int]bool{0: false, 40: false, 60: true, 100: true} {
		w := &watched{}
		w.spent.Store(int64(time.Duration(minutes) * time.Minute))
		if got := (&body{reads: w}).late(begun); got != want {
			t.Errorf("%d of 100 minutes: late: %v, want %v", minutes, got, want)
		}
	}
	w := &watched{}
	w.since.Store(1)
	if !(&body{reads: w}).late(begun) || !(&body{pipe: true}).late(begun) || (&body{}).late(begun) {
		t.Error("a read that is under way is late, and so is a pipe; no body is not")
	}
}

// Given headers with numbers, and what isn't one, then those are read.
func TestNumbersInHeaders(t *testing.T) {
	for header, want := range map[string]int{"n=12; m=3": 12, "n=0": 0, "m=3; n=907": 907, "n=2147483647": 2147483647, "n=": -1, "m=3": -1, "n=1x": -1, "n=99999999999": -1} {
		n, ok := numberAfter(header, "n=")
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%q: got %d, %v; want %d", header, n, ok, want)
		}
	}
}

// Given the SDK's header of attempts, then it is known whether another may follow.
func TestAnotherAttempt(t *testing.T) {
	for header, want := range map[string]bool{
		"attempt=1; max=3": true, "attempt=2; max=3": true, "attempt=3; max=3": false, "attempt=9; max=19": true, "attempt=19; max=19": false,
		"attempt=1": true, "attempt=1; max=1": false, "": false, "attempt=; max=3": false, "attempt=x; max=3": false, "attempt=1x; max=3": false,
		"attempt=99999999999999999999; max=3": false, "attempt=1; max=18446744073709551617": true,
	} {
		req := smithyhttp.NewStackRequest().(*smithyhttp.Request)
		req.Header = http.Header{"Amz-Sdk-Request": {header}}
		if got := anotherAttempt(req); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}
