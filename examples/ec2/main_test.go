package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/examples/internal/inlabtest"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// start runs the service as main does, and returns its URL once it knows its zone.
func start(t *testing.T, v *inlab.VPC) (url string, end func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, listener, v.Options()...) }()
	end = func() error {
		cancel()
		return <-ended
	}
	url = "http://" + listener.Addr().String()
	inlabtest.Await(t, "the zone is known", func() bool {
		var snapshot struct{ ZoneName, ZoneSource string }
		if err := json.Unmarshal([]byte(get(t, url+"/debug/azaffinity")), &snapshot); err != nil {
			t.Fatal(err)
		}
		return snapshot.ZoneName == v.Home.Name && snapshot.ZoneSource == "imds"
	})
	return url, end
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	return read(t, response, err)
}

func order(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Post(url+"/orders", "text/plain", strings.NewReader("coffee"))
	return read(t, response, err)
}

func read(t *testing.T, response *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %q, %v", response.Status, body, err)
	}
	return string(body)
}

// Given the service on an instance, when it is used, then all its calls stay in its zone; when the endpoints there go
// down, then every order is still answered, and stored and queued once; and when it is told to end, it does.
func TestService(t *testing.T) {
	v := inlabtest.Start(t)
	url, end := start(t, v)
	const orders = 20
	for range orders {
		if got := order(t, url); strings.Count(got, v.Home.Name+".") != 2 || strings.Count(got, "(InZone)") != 2 {
			t.Errorf("got %q, want both hosts in %s", got, v.Home.Name)
		}
	}
	inlabtest.WantHome(t, v, 2*orders)

	inlabtest.Break(t, v, lab.Refuse)
	for range orders {
		order(t, url)
	}
	inlabtest.WantAway(t, v, 2*orders)

	if err := end(); err != nil {
		t.Errorf("the end: got error %v, want none", err)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("it still listens")
	}
}

// Given an order in progress, when the service is told to end, then the order is answered first.
func TestEndsAfterWhatIsInProgress(t *testing.T) {
	v := inlabtest.Start(t)
	url, end := start(t, v)
	body, writer := io.Pipe()
	reading := make(chan struct{}) // the service asks for the body
	request, err := http.NewRequestWithContext(
		httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }}),
		http.MethodPost, url+"/orders", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Expect", "100-continue")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	defer client.CloseIdleConnections()
	answered := make(chan error, 1)
	go func() {
		response, err := client.Do(request)
		if err == nil && response.StatusCode != http.StatusOK {
			err = http.ErrNotSupported
		}
		answered <- err
	}()
	<-reading
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	inlabtest.Await(t, "nobody is let in anymore", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	_, _ = io.WriteString(writer, "tea")
	writer.Close()
	if err := <-answered; err != nil {
		t.Errorf("the order: got error %v, want an answer", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the end: got error %v, want none", err)
	}
}

// Given endpoints that can't be understood, then the service says so instead of starting.
func TestWrongConfiguration(t *testing.T) {
	v := inlabtest.Start(t)
	t.Setenv("AZAFFINITY_ENDPOINTS", "sqs.us-east-1.amazonaws.com")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := run(t.Context(), listener, v.Options()...); err == nil || !strings.Contains(err.Error(), "AZAFFINITY_ENDPOINTS") {
		t.Errorf("got error %v, want one about AZAFFINITY_ENDPOINTS", err)
	}
}
