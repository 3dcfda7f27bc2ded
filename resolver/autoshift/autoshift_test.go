package autoshift

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/arczonalshift"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

func zonesOf(shifts []shift.Shift) (zones []string) {
	for _, s := range shifts {
		zones = append(zones, s.Zone.ID)
	}
	return zones
}

// Given what ARC lists, then the zones of active autoshifts are those to leave, by ID and without an end.
func TestShifts(t *testing.T) {
	for _, tt := range []struct {
		name     string
		items    []item
		pageSize int
		want     []string
		calls    int
	}{
		{"nothing", nil, 0, nil, 1},
		{"one", []item{active("use1-az6")}, 0, []string{"use1-az6"}, 1},
		{"one that is over", []item{completed("use1-az6")}, 0, nil, 1},
		{"two, one that is over", []item{active("use1-az6"), completed("use1-az4"), active("use1-az1")}, 0, []string{"use1-az6", "use1-az1"}, 1},
		{"pages", []item{active("use1-az6"), active("use1-az4"), active("use1-az1")}, 1, []string{"use1-az6", "use1-az4", "use1-az1"}, 3},
		{"what is no ID of a zone", []item{active("the moon"), active(""), active("use1-az1")}, 0, []string{"use1-az1"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeARC(t, tt.items...)
			f.pageSize = tt.pageSize
			got, err := f.source(t).Shifts(t.Context())
			if err != nil || !slices.Equal(zonesOf(got), tt.want) {
				t.Fatalf("got %v, %v, want %v", got, err, tt.want)
			}
			for _, s := range got {
				if !s.Until.IsZero() || s.Zone.Name != "" {
					t.Errorf("got %+v", s)
				}
			}
			if calls := f.calls(); len(calls) != tt.calls || calls[0].Get("status") != "ACTIVE" {
				t.Errorf("asked %v, want %d times for active ones", calls, tt.calls)
			}
		})
	}
}

// Given an ARC that says no, fails or says nonsense, then that is an error that says what to do, and when to ask again if
// ARC is throttled.
func TestErrors(t *testing.T) {
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	for _, tt := range []struct {
		name      string
		answer    http.HandlerFunc
		calls     int
		want      string
		throttled bool
	}{
		{"no permission", fail(http.StatusForbidden, "AccessDeniedException"), 1, "arc-zonal-shift:ListAutoshifts", false},
		{"bad credentials", fail(http.StatusForbidden, "UnrecognizedClientException"), 1, "UnrecognizedClientException", false},
		{"throttling", fail(http.StatusTooManyRequests, "ThrottlingException"), 1, "AZAFFINITY_SHIFT_FILE", true},
		{"a fault of ARC's", fail(http.StatusInternalServerError, "InternalServerException"), 2, "InternalServerException", false},
		{"no JSON", say("<html>proxy error</ht"), 1, "", false},
		{"pages without end", say(`{"items": [], "nextToken": "x"}`), maxPages, "more than 10 pages", false},
		{"too much", say(`{"items": [{"awayFrom": "` + strings.Repeat("x", maxAnswer) + `"}]}`), 1, "larger than 1 MiB", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeARC(t)
			f.set(tt.answer)
			before := time.Now()
			a, err := f.source(t).Answer(t.Context(), true)
			if err == nil || a.Shifts != nil || !strings.HasPrefix(err.Error(), "autoshift: ") || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, %v, want an error that says %q", a.Shifts, err, tt.want)
			}
			if got := len(f.calls()); got != tt.calls {
				t.Errorf("asked %d times, want %d", got, tt.calls)
			}
			if pause := a.Until.Sub(before); a.Until.IsZero() == tt.throttled || tt.throttled && (pause < time.Minute || pause > 6*time.Minute) {
				t.Errorf("asked again in %v", pause)
			}
			if !a.ByID || a.Source != "arc" {
				t.Errorf("got %+v", a)
			}
		})
	}
}

// Given an ARC that can't be reached in time, then the context ends the question.
func TestNoAnswer(t *testing.T) {
	f := newFakeARC(t)
	f.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := f.source(t).Shifts(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "interface endpoint for arc-zonal-shift") {
		t.Errorf("got %v, want the deadline, and what may be missing", err)
	}
}

// When ARC is asked: at first within a quarter of the interval, then once in it.
func TestWhenItAsks(t *testing.T) {
	f := newFakeARC(t)
	s := f.source(t, WithInterval(10*time.Minute))
	for range 20 {
		before := time.Now()
		first, err := s.Answer(t.Context(), false)
		if pause := first.Until.Sub(before); !errors.Is(err, shift.ErrWouldBlock) || pause < 0 || pause > 3*time.Minute {
			t.Errorf("first asked in %v, %v", pause, err)
		}
		next, err := s.Answer(t.Context(), true)
		if pause := next.Until.Sub(before); err != nil || pause < 9*time.Minute || pause > 12*time.Minute {
			t.Errorf("asked again in %v, %v", pause, err)
		}
	}
	if got := len(f.calls()); got != 20 {
		t.Errorf("asked %d times, want not when it should not wait", got)
	}
}

func TestWrongOptions(t *testing.T) {
	for name, err := range map[string]func() (*Source, error){
		"no Region": func() (*Source, error) { return New(aws.Config{}) },
		"no client": func() (*Source, error) { return NewFromClient(nil) },
		"too often": func() (*Source, error) { return New(aws.Config{Region: "us-east-1"}, WithInterval(time.Second)) },
	} {
		if s, err := err(); s != nil || err == nil || !strings.HasPrefix(err.Error(), "autoshift: ") {
			t.Errorf("%s: got %v, %v, want an error of autoshift's", name, s, err)
		}
	}
}

// silent is a client that answers nothing at all.
type silent struct{}

func (silent) ListAutoshifts(context.Context, *arczonalshift.ListAutoshiftsInput, ...func(*arczonalshift.Options)) (*arczonalshift.ListAutoshiftsOutput, error) {
	return nil, nil
}

// Given a client of somebody's that answers with nothing, then that is an error, and no panic.
func TestClientWithoutAnAnswer(t *testing.T) {
	s, err := NewFromClient(silent{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Shifts(t.Context()); err == nil {
		t.Error("nothing is no error")
	}
}

const (
	regional = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
	arcNames = "vpce-0eeeeeeeeeeeeeee1-lj2wisx3.arc-zonal-shift.us-east-1.vpce.amazonaws.com"
)

func newResolver(t *testing.T, src shift.Source) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a", ID: "use1-az6"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: regional}, endpoint.Endpoint{Regional: arcNames})),
		resolver.WithShift(src))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Given a config that is wrapped, when ARC is asked, then at its own host: how the zone is can't be asked by way of the zone.
func TestItIsNeverRouted(t *testing.T) {
	var hosts []string
	cfg := aws.Config{Region: "us-east-1", Credentials: newFakeARC(t).config().Credentials, HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host)
		w := httptest.NewRecorder()
		fail(http.StatusForbidden, "AccessDeniedException")(w, r)
		return w.Result(), nil
	})}
	r := newResolver(t, shift.File("/does/not/exist"))
	middleware.Append(&cfg.APIOptions, r)
	src, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const plain, zonal = "arc-zonal-shift.us-east-1.amazonaws.com", "vpce-0eeeeeeeeeeeeeee1-lj2wisx3-us-east-1a.arc-zonal-shift.us-east-1.vpce.amazonaws.com"
	if _, err := arczonalshift.NewFromConfig(cfg).ListAutoshifts(t.Context(), nil); err == nil || hosts[0] != zonal {
		t.Fatalf("the wrap has no effect on other calls: %v, %v", hosts, err)
	}
	hosts = nil
	if _, err := src.Shifts(t.Context()); err == nil {
		t.Error("got an answer from nobody")
	}
	if !slices.Equal(hosts, []string{plain}) {
		t.Errorf("asked %v, want %s", hosts, plain)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }
