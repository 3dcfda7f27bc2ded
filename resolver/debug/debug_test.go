package debug_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
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
		"us-east-1a", "use1-az6", "sqs", "ejected", "ejected 1×", "tried again", "3 InZone", "1 FailedOver", "1 connect", "75 %", "connections were refused", "&lt;script&gt;", "shifted away", "from static", "</html>",
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

// Given addresses that are known, when a browser asks, then the page shows them.
func TestPageOfAddresses(t *testing.T) {
	r, err := resolver.New(resolver.WithZone(located{}), resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: regional})))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	link.SetLookup(r, func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no DNS") })
	before := get(r, "/", browser).Body.String()
	link.Learned(r, strings.Replace(regional, "lj2wisx3", "lj2wisx3-us-east-1a", 1), []netip.Addr{netip.MustParseAddr("10.0.1.7")})
	link.Nearest(r, "db.example.com", []netip.Addr{netip.MustParseAddr("10.0.1.9")}, "<0.2 ms>")
	page := get(r, "/", browser).Body.String()
	for _, want := range []string{"10.0.1.7", "Nearest addresses", "db.example.com", "10.0.1.9", "&lt;0.2 ms&gt;"} {
		if !strings.Contains(page, want) || strings.Contains(before, want) {
			t.Errorf("the page has no %q, or had it before", want)
		}
	}
	if !strings.Contains(page, "1 subnet known to be in this zone") {
		t.Error("the page doesn't show the own subnet")
	}
}

// located is a source of the zone that knows its subnet.
type located struct{}

func (located) Zone(context.Context) (zone.Zone, error) { return zone.Zone{Name: "us-east-1a"}, nil }

func (located) Answer(context.Context, bool) (zone.Answer, error) {
	return zone.Answer{Zone: zone.Zone{Name: "us-east-1a"}, Subnets: []netip.Prefix{netip.MustParsePrefix("10.0.1.0/24")}}, nil
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

// Given a resolver in some state, then the page begins with what happens to the next request.
func TestHeadline(t *testing.T) {
	known := zone.Zone{Name: "us-east-1a"}
	elsewhere := endpoint.Endpoint{Regional: strings.Replace(regional, "sqs", "kms", 1), Zonal: map[string]string{}}
	for _, tt := range []struct {
		want, level string
		zone        zone.Zone
		list        []endpoint.Endpoint
		then        func(*resolver.Resolver)
	}{
		{"Requests stay in us-east-1a", "good", known, []endpoint.Endpoint{{Regional: regional}}, nil},
		{"Requests stay in us-east-1a, with a problem", "warn", known, []endpoint.Endpoint{{Regional: regional}}, func(r *resolver.Resolver) { link.Note(r, "a client is foreign: attach it") }},
		{"1 of 2 endpoints are not used in us-east-1a", "warn", known, []endpoint.Endpoint{{Regional: regional}, elsewhere}, nil},
		{"No request is kept in us-east-1a", "bad", known, []endpoint.Endpoint{elsewhere}, nil},
		{"No endpoint is known", "bad", known, nil, nil},
		{"The zone&#39;s name is not known", "bad", zone.Zone{ID: "use1-az6"}, []endpoint.Endpoint{{Regional: regional}}, nil},
		{"Shifted away from us-east-1a", "bad", known, []endpoint.Endpoint{{Regional: regional}}, func(r *resolver.Resolver) { r.ShiftAway(time.Now().Add(time.Hour)) }},
		{"Observing", "warn", known, []endpoint.Endpoint{{Regional: regional}}, func(r *resolver.Resolver) { r.SetMode(resolver.Observe) }},
		{"Switched off", "warn", known, []endpoint.Endpoint{{Regional: regional}}, func(r *resolver.Resolver) { r.SetMode(resolver.Off) }},
	} {
		r, err := resolver.New(resolver.WithZone(zone.Static(tt.zone)), resolver.WithEndpoints(endpoint.Static(tt.list...)))
		if err != nil {
			t.Fatal(err)
		}
		if tt.then != nil {
			tt.then(r)
		}
		page := get(r, "/", browser).Body.String()
		_, level, _ := strings.Cut(page, `<section class="card summary `)
		if level, _, _ = strings.Cut(level, `"`); level != tt.level {
			t.Errorf("%s: got level %q, want %q", tt.want, level, tt.level)
		}
		_, headline, _ := strings.Cut(page, "<h1>")
		headline, _, _ = strings.Cut(headline, "</h1>")
		if headline != tt.want && !strings.HasPrefix(headline, tt.want+":") {
			t.Errorf("got %q, want %q", headline, tt.want)
		}
		r.Close()
	}
}

// Given a request that would change something, when it is made, then it is refused, and told what may be done.
func TestOnlyGet(t *testing.T) {
	for method, want := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		debug.Handler(nil).ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		allowed := w.Header().Get("Allow")
		if w.Code != want || (allowed == "GET, HEAD") != (want == 405) {
			t.Errorf("%s: got %d, Allow %q", method, w.Code, allowed)
		}
	}
}
