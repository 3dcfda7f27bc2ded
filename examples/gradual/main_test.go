package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/examples/internal/inlabtest"
	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
)

func ask(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(got))
}

// Given the service, when it observes, then all calls go where they always went, and the counts say where the chosen ones
// would have gone; when it prefers, then these do, and the others still don't; and when it is off, all is as it was.
func TestSteps(t *testing.T) {
	v := inlabtest.Start(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, listener, v.Options()...) }()
	url := "http://" + listener.Addr().String()
	mode := func() string {
		_, answer := ask(t, "GET", url+"/mode", "")
		return answer
	}
	inlabtest.Await(t, "the zone is known", func() bool { return mode() == "observe: 0 of 0 attempts in zone us-east-1b" })

	const orders = 10
	public, bucket := "sqs.us-east-1.amazonaws.com", "photos.s3.us-east-1.amazonaws.com"
	zonal, zonalBucket := v.ZonalName("sqs", "us-east-1b"), strings.Replace(v.ZonalName("s3", "us-east-1b"), "*", "photos.bucket", 1)
	for _, step := range []struct {
		mode, send, put, get, after string
	}{
		{"observe", public, bucket, bucket, "observe: 20 of 20 attempts in zone us-east-1b"},
		{"prefer", zonal, bucket, zonalBucket, "prefer: 40 of 40 attempts in zone us-east-1b"},
		{"off", public, bucket, bucket, "off: 40 of 60 attempts in zone us-east-1b, 20 SwitchedOff"},
	} {
		if status, answer := ask(t, "PUT", url+"/mode/"+step.mode, ""); status != http.StatusOK {
			t.Fatalf("%s: got %d, %s", step.mode, status, answer)
		}
		v.ResetRequests()
		for range orders {
			if status, got := ask(t, "POST", url+"/orders", "coffee"); status != http.StatusOK || got != "coffee" {
				t.Fatalf("%s: got %d, %s", step.mode, status, got)
			}
		}
		want := map[string]string{"SendMessage": step.send, "PutObject": step.put, "GetObject": step.get}
		all := v.Executions()
		if i := slices.IndexFunc(all, func(e lab.Execution) bool { return e.Host != want[e.Operation] }); i >= 0 || len(all) != 3*orders {
			t.Errorf("%s: got %d requests, %+v, want %d by %v", step.mode, len(all), all[max(i, 0)], 3*orders, want)
		}
		if got := mode(); got != step.after {
			t.Errorf("got %q, want %q", got, step.after)
		}
	}

	if status, answer := ask(t, "PUT", url+"/mode/on", ""); status != http.StatusBadRequest || !strings.Contains(answer, "prefer, observe or off") {
		t.Errorf("got %d, %s, want what modes there are", status, answer)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the end: got error %v, want none", err)
	}
}

func Example_summary() {
	s := resolver.Snapshot{
		Mode: resolver.Observe, ZoneName: "us-east-1b",
		Unmatched: map[resolver.Reason]uint64{resolver.NoEndpoint: 3},
		Endpoints: []resolver.EndpointState{
			{Service: "sqs", Attempts: map[resolver.Reason]uint64{resolver.NoZone: 2, resolver.InZone: 90}},
			{Service: "s3", Attempts: map[resolver.Reason]uint64{resolver.NotInZone: 5}},
		},
	}
	fmt.Println(summary(s))
	// Output: observe: 90 of 100 attempts in zone us-east-1b, 3 NoEndpoint, 5 NotInZone, 2 NoZone
}
