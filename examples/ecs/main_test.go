package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver"
)

// What the machine's own environment says is not what a test is about. IMDS, were it asked, would not be found.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, prefix := range []string{"AZAFFINITY_", "AWS_", "ECS_"} {
			if strings.HasPrefix(name, prefix) {
				_ = os.Unsetenv(name)
			}
		}
	}
	_ = os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	os.Exit(m.Run())
}

// service is the example, running in a lab.
type service struct {
	lab     *lab.Lab
	url     string
	stop    context.CancelFunc
	stopped chan error
}

const patience = 20 * time.Second

// start starts the example as main does, and waits until it knows its zone.
func start(t *testing.T) *service {
	t.Helper()
	load := loadConfig
	l, err := openLab(func(name, value string) error { t.Setenv(name, value); return nil })
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{lab: l, url: "http://" + listener.Addr().String(), stop: cancel, stopped: make(chan error, 1)}
	go func() { s.stopped <- serve(ctx, listener) }()
	t.Cleanup(func() {
		s.stop()
		select {
		case err := <-s.stopped:
			if err != nil {
				t.Errorf("it ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("it doesn't end")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		loadConfig = load
	})
	s.await(t, "its zone", func() bool { return s.known(t).ZoneName == home })
	return s
}

func (s *service) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it doesn't get to know %s: %+v", what, s.known(t))
		}
	}
}

// known is what /debug/azaffinity shows.
func (s *service) known(t *testing.T) (snapshot struct {
	Zone       struct{ Name, ID string }
	ZoneSource string
	ZoneName   string
	Endpoints  []struct {
		Service  string
		Attempts map[string]int
	}
},
) {
	t.Helper()
	if err := s.get("/debug/azaffinity?format=json", &snapshot); err != nil || len(snapshot.Endpoints) != 1 {
		t.Fatalf("/debug/azaffinity: got %+v, %v", snapshot, err)
	}
	return snapshot
}

func (s *service) get(path string, into any) error {
	res, err := http.Get(s.url + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// list asks for the queues, of which the lab has one.
func (s *service) list() error {
	var urls []string
	if err := s.get("/queues", &urls); err != nil {
		return err
	}
	if len(urls) != 1 || !strings.HasSuffix(urls[0], "/"+queue) {
		return fmt.Errorf("got the queues %q, want %s", urls, queue)
	}
	return nil
}

func (s *service) wantQueues(t *testing.T) {
	t.Helper()
	if err := s.list(); err != nil {
		t.Error(err)
	}
}

// Given a task whose metadata tell its zone, when the service is asked, then its calls stay in that zone.
func TestStaysInTheZone(t *testing.T) {
	s := start(t)
	if k := s.known(t); k.ZoneSource != "ecs" || k.Zone.Name != home || k.Zone.ID != "use1-az4" {
		t.Errorf("got %+v from %s, want %s (use1-az4) from the task metadata", k.Zone, k.ZoneSource, home)
	}
	const n = 9
	for range n {
		s.wantQueues(t)
	}
	if got, want := s.lab.Requests(), (map[string]int{"us-east-1a": 0, "us-east-1b": 0, home: n}); !maps.Equal(got, want) {
		t.Errorf("got requests %v, want %v", got, want)
	}
	if got := s.known(t).Endpoints[0].Attempts; !maps.Equal(got, map[string]int{resolver.InZone.String(): n}) {
		t.Errorf("/debug/azaffinity has %v, want %d in the zone", got, n)
	}
}

// Given a zone whose endpoint refuses, when the service is asked, then it answers, by way of other zones.
func TestZoneDown(t *testing.T) {
	s := start(t)
	s.wantQueues(t)
	if err := s.lab.Fault(home, lab.Refuse); err != nil {
		t.Fatal(err)
	}
	s.lab.ResetRequests()
	const n = 9
	for range n {
		s.wantQueues(t)
	}
	got := s.lab.Requests()
	if got[home] != 0 || got["us-east-1a"]+got["us-east-1b"] != n {
		t.Errorf("got requests %v, want %d, none of them in %s", got, n, home)
	}
}

// Given a request that waits for SQS, when the task is stopped, then the request is answered, and no other is taken.
func TestStopsGracefully(t *testing.T) {
	s := start(t)
	if err := s.lab.Fault(home, lab.Stall); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() { answered <- s.list() }()
	s.await(t, "the request", func() bool { return s.known(t).Endpoints[0].Attempts[resolver.InZone.String()] == 1 })
	s.stop()
	s.await(t, "its end", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			return errors.Is(err, syscall.ECONNREFUSED)
		}
		return conn.Close() != nil
	})
	select {
	case err := <-answered:
		t.Fatalf("the request has ended already: %v", err)
	default:
	}
	if err := s.lab.Fault(home, lab.None); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the request isn't answered")
	}
	if got := slices.Sorted(maps.Values(s.lab.Requests())); !slices.Equal(got, []int{0, 0, 1}) {
		t.Errorf("got requests %v, want one", got)
	}
}

// Given a mistake in the task definition, when the service starts, then it fails, and says where.
func TestMistake(t *testing.T) {
	s := start(t) // for its lab
	t.Setenv("AZAFFINITY_ENDPOINTS", "sqs.us-east-1.amazonaws.com")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := serve(t.Context(), listener); err == nil || !strings.Contains(err.Error(), "AZAFFINITY_ENDPOINTS") {
		t.Errorf("got %v, want an error that names AZAFFINITY_ENDPOINTS", err)
	}
	s.wantQueues(t)
}
