package autoshift

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// fakeARC is ARC's API for zonal shifts, as far as it is asked here, made after ListAutoshifts and AutoshiftSummary in the API
// Reference Guide for Zonal Shift and Zonal Autoshift: GET /autoshifts with status, maxResults and nextToken, times in seconds
// since 1970, errors named in a header. Nothing of others' that answers like it exists.
type fakeARC struct {
	url      string
	pageSize int // 0: all on one

	mu      sync.Mutex
	items   []item
	asked   []url.Values
	instead http.HandlerFunc // in place of the usual answer
}

type item struct {
	AwayFrom  string  `json:"awayFrom"`
	StartTime float64 `json:"startTime"`
	EndTime   float64 `json:"endTime,omitempty"`
	Status    string  `json:"status"`
}

func active(zone string) item { return item{AwayFrom: zone, StartTime: 1.7980e9, Status: "ACTIVE"} }

func completed(zone string) item {
	return item{AwayFrom: zone, StartTime: 1.7970e9, EndTime: 1.7971e9, Status: "COMPLETED"}
}

func newFakeARC(t *testing.T, items ...item) *fakeARC {
	f := &fakeARC{items: items}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fakeARC) config() aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(f.url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	}
}

func (f *fakeARC) source(t *testing.T, opts ...Option) *Source {
	t.Helper()
	s, err := New(f.config(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// set changes the autoshifts, and what is answered in place of them.
func (f *fakeARC) set(instead http.HandlerFunc, items ...item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instead, f.items = instead, items
}

// calls returns what was asked for.
func (f *fakeARC) calls() []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

func (f *fakeARC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	query := r.URL.Query()
	f.asked = append(f.asked, query)
	instead, items := f.instead, slices.Clone(f.items)
	f.mu.Unlock()
	switch {
	case instead != nil:
		instead(w, r)
		return
	case r.Method != http.MethodGet || r.URL.Path != "/autoshifts":
		fail(http.StatusNotFound, "UnknownOperationException")(w, r)
		return
	case r.Header.Get("Authorization") == "":
		fail(http.StatusForbidden, "MissingAuthenticationTokenException")(w, r)
		return
	}
	status := query.Get("status")
	if status == "" {
		status = "ACTIVE"
	}
	items = slices.DeleteFunc(items, func(i item) bool { return i.Status != status })
	from, _ := strconv.Atoi(query.Get("nextToken"))
	to := len(items)
	if f.pageSize > 0 {
		to = min(from+f.pageSize, to)
	}
	answer := map[string]any{"items": items[from:to]}
	if to < len(items) {
		answer["nextToken"] = strconv.Itoa(to)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// fail answers with an error as the SDK's JSON protocol has it.
func fail(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"message": "said the fake"}`))
	}
}
