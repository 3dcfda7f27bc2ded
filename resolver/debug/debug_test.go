package debug_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/debug"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const regional = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"

func newResolver(t *testing.T) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a", ID: "use1-az6"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: regional})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func get(r *resolver.Resolver, target, accept string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, target, nil)
	req.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	debug.Handler(r).ServeHTTP(w, req)
	return w
}

const browser = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"

// Given a resolver whose name has failed, when a browser asks, then the page shows
// that, escaped, and refers to nothing elsewhere.
func TestPage(t *testing.T) {
	r := newResolver(t)
	route := r.Resolve(regional)
	for range 3 {
		route.Sent()
		route.Failed(resolver.CauseConnect, errors.New("<script>alert(1)</script>"))
	}
	route.FailedOver(resolver.CauseConnect).Sent()
	r.ShiftAway(time.Now().Add(time.Hour))
	w := get(r, "/debug/azaffinity", browser)
	page := w.Body.String()
	for _, want := range []string{
		"us-east-1a", "use1-az6", "sqs", "ejected", "ejected 1×", "tried again", "3 InZone", "1 FailedOver", "1 connect", "75 %", "&lt;script&gt;", "shifted away", "from static", "</html>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, no := range []string{"<script", "http://", "https://", "<no value>", "%!"} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q", no)
		}
	}
	if got := w.Header().Get("Content-Type"); w.Code != 200 || !strings.HasPrefix(got, "text/html") {
		t.Errorf("got %d %s", w.Code, got)
	}
}

// Given a resolver, when a program asks, then it gets the snapshot.
func TestJSON(t *testing.T) {
	r := newResolver(t)
	r.Resolve(regional).Sent()
	for target, accept := range map[string]string{"/": "*/*", "/?format=json": browser} {
		w := get(r, target, accept)
		var got struct {
			Mode      string
			ZoneName  string
			Endpoints []struct {
				ID       string
				Ejected  bool
				Attempts map[string]int
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Mode != "prefer" || got.ZoneName != "us-east-1a" || len(got.Endpoints) != 1 || got.Endpoints[0].Attempts["InZone"] != 1 || got.Endpoints[0].Ejected {
			t.Errorf("%s: got %+v", target, got)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: got %s", target, got)
		}
	}
}

// Given nothing to show, when asked, then that is shown.
func TestNothing(t *testing.T) {
	w := get(nil, "/", browser)
	if page := w.Body.String(); w.Code != 200 || !strings.Contains(page, "No interface endpoints are known") || !strings.Contains(page, "off") {
		t.Errorf("got %d %s", w.Code, page)
	}
	post := httptest.NewRecorder()
	debug.Handler(nil).ServeHTTP(post, httptest.NewRequest(http.MethodPost, "/", nil))
	if post.Code != http.StatusMethodNotAllowed {
		t.Errorf("got %d for a POST, want %d", post.Code, http.StatusMethodNotAllowed)
	}
}
