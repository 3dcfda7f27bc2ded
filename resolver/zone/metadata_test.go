package zone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// serve runs h on a loopback address until the test ends.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// dead returns the host and port of a server that takes connections and never answers.
func dead(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// refusing returns the host and port of nobody.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// patient is for tests that expect an answer, however busy the machine is.
var patient = WithTimeout(time.Minute)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		url string
		ok  bool
	}{
		{"http://169.254.170.2/v4/abc", true},
		{"http://169.254.100.1:9001/x", true},
		{"http://127.0.0.1:80/", true},
		{"https://127.0.1.1/", true},
		{"http://localhost:9001/", true},
		{"http://[::1]:80/", true},
		{"http://[fe80::1]/", true},
		{"http://[::ffff:169.254.170.2]/", true},
		{"http://10.0.0.1/", false},
		{"http://8.8.8.8/", false},
		{"http://0.0.0.0/", false},
		{"http://[2001:db8::1]/", false},
		{"http://[::ffff:8.8.8.8]/", false},
		{"http://evil.example.com/", false},
		{"http://169.254.170.2.evil.example.com/", false},
		{"http://169.254.170.2@evil.example.com/", false},
		{"http://localhost.evil.example.com/", false},
		{"http://2130706433/", false}, // 127.0.0.1 to some parsers
		{"http:///task", false},
		{"file:///etc/passwd", false},
		{"ftp://127.0.0.1/", false},
		{"169.254.170.2/v4", false},
		{"/task", false},
	} {
		t.Run(c.url, func(t *testing.T) {
			u, err := url.Parse(c.url)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkAddress(u); (err == nil) != c.ok {
				t.Errorf("error %v, want ok %v", err, c.ok)
			}
			if strings.HasPrefix(u.Host, "localhost:") {
				t.Errorf("host %s is left to a resolver", u.Host)
			}
		})
	}
}

func TestNoProxyFromTheEnvironment(t *testing.T) {
	if newTransport().Proxy != nil {
		t.Error("the transport has a proxy")
	}
}

func TestGet(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		inError string
	}{
		{"an answer", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, ""},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, "302 Found"},
		{"an error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "500 Internal Server Error"},
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "204 No Content"},
		{"10 MB", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("a", 10<<20)) }, "larger than 64 KiB"},
		{"a header of 1 MB", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("a", 1<<20)) }, "header"},
		{"a connection that breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		{"a body that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			fmt.Fprint(w, "hello")
		}, "unexpected EOF"},
		{"a body that never ends", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "no answer within 50ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := url.Parse(serve(t, c.handler).URL)
			if err != nil {
				t.Fatal(err)
			}
			cfg := newConfig([]Option{patient})
			if strings.Contains(c.inError, "50ms") {
				cfg.timeout = 50 * time.Millisecond
			}
			var body []byte
			var errBody error
			_, err = cfg.get(t.Context(), u, nil, func(r io.Reader) { body, errBody = readBounded(r) })
			if err == nil {
				err = errBody
			}
			if c.inError == "" {
				if err != nil || string(body) != "hello" {
					t.Errorf("got %q, %v; want hello", body, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.inError) {
				t.Errorf("got %.20q, error %v; want an error with %q", body, err, c.inError)
			}
		})
	}
}

func TestGetEndsWithTheCallersContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
		close(gone)
	})
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newConfig([]Option{patient}).get(ctx, u, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	<-gone // the connection went with the request
}

// surprises are answers that are no true answer of a metadata service; FIELD stands for the field with the zone, and
// ZONE for a zone that would be right there.
var surprises = []struct{ name, body, inError string }{
	{"nothing", "", "not a JSON object"},
	{"a captive portal's page", "<html><body>Please log in</body></html>", "not a JSON object"},
	{"a string", `"ZONE"`, "not a JSON object"},
	{"a list", `[{"FIELD":"ZONE"}]`, "not a JSON object"},
	{"cut short", `{"FIELD":"ZONE"`, "not a JSON object"},
	{"more behind it", `{"FIELD":"ZONE"}{}`, "not a JSON object"},
	{"a field without a value", `{"FIELD"}`, "not a JSON object"},
	{"a comma too many", `{"FIELD":"ZONE",}`, "not a JSON object"},
	{"a number", `{"FIELD":1}`, "not a string"},
	{"null", `{"FIELD":null}`, "not a string"},
	{"a list of it", `{"FIELD":["ZONE"]}`, "not a string"},
	{"an object", `{"FIELD":{"FIELD":"ZONE"}}`, "not a string"},
	{"cut short in another field", `{"FIELD":"ZONE","a":[{"b":`, "not a JSON object"},
	{"deep nesting", `{"a":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `,"FIELD":"ZONE"}`, "not a JSON object"},
	{"a host", `{"FIELD":"ZONE.evil.example.com"}`, "not a zone"},
	{"a path", `{"FIELD":"../ZONE"}`, "not a zone"},
	{"a word", `{"FIELD":"localhost"}`, "not a zone"},
	{"hidden characters", `{"FIELD":"ZONE\u0000"}`, "not a zone"},
	{"bytes that aren't UTF-8", "{\"FIELD\":\"ZONE\xff\"}", "not a zone"},
	{"60 KB of it", `{"FIELD":"` + strings.Repeat("a", 60000) + `"}`, "not a zone"},
}

func surprise(body, field, zone string) string {
	return strings.NewReplacer("FIELD", field, "ZONE", zone).Replace(body)
}

// Given an answer that breaks off, or is as long as any may be, or longer, then the error says which, and what is kept is whole.
func TestReadBounded(t *testing.T) {
	broken := errors.New("broken off")
	for _, tt := range []struct {
		length int
		end    error
		want   error
	}{{10, io.EOF, nil}, {10, broken, broken}, {maxAnswer, io.EOF, nil}, {maxAnswer + 1, io.EOF, errTooLarge}} {
		body, err := readBounded(io.MultiReader(strings.NewReader(strings.Repeat("x", tt.length)), iotest.ErrReader(tt.end)))
		if !errors.Is(err, tt.want) || err == nil && len(body) != tt.length || err != nil && body != nil {
			t.Errorf("%d bytes, then %v: got %d and %v, want %v", tt.length, tt.end, len(body), err, tt.want)
		}
	}
}
