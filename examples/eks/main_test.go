package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
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

const patience = 20 * time.Second

// start starts the worker in a lab, in a Pod of a manifest, and ends it with the test.
func start(t *testing.T, p pod) *vpc {
	t.Helper()
	load := loadConfig
	v, err := openLab()
	if err != nil {
		t.Fatal(err)
	}
	v.ResetRequests()
	for name, value := range p.env {
		t.Setenv(name, value)
	}
	t.Setenv(endpoint.EnvEndpoints, v.RegionalName("sqs"))
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- work(ctx, queue, p.labels) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-stopped:
			if err != nil {
				t.Errorf("it ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("it doesn't end")
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		loadConfig = load
	})
	v.await(t, "ReceiveMessage", 1)
	return v
}

// await waits until the worker has made n requests of an operation, and returns all of its requests.
func (v *vpc) await(t *testing.T, operation string, n int) (all []lab.Execution) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		all = all[:0]
		found := 0
		for _, e := range v.Executions() {
			if e.Operation == "SendMessage" {
				continue
			}
			all = append(all, e)
			if e.Operation == operation {
				found++
			}
		}
		if found >= n {
			return all
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v, want %d times %s", all, n, operation)
		}
	}
}

func (v *vpc) mustSend(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := v.send(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// Given a Pod of either manifest, when there are messages, then it works on them in its zone.
func TestStaysInTheZone(t *testing.T) {
	for _, path := range manifests {
		t.Run(path, func(t *testing.T) {
			v := start(t, schedule(t, read(t, path), home))
			v.mustSend(t, "1", "2", "3")
			for _, e := range v.await(t, "DeleteMessage", 3) {
				if e.Zone != home || e.Host != v.ZonalName("sqs", home) {
					t.Errorf("got %+v, want it in %s", e, home)
				}
			}
		})
	}
}

// Given a Pod whose zone's endpoint refuses, when there are messages, then it works on them by way of other zones.
func TestZoneDown(t *testing.T) {
	for _, path := range manifests {
		t.Run(path, func(t *testing.T) {
			v := start(t, schedule(t, read(t, path), home))
			if err := v.Fault(home, lab.Refuse); err != nil {
				t.Fatal(err)
			}
			v.ResetRequests()
			v.mustSend(t, "1", "2", "3")
			for _, e := range v.await(t, "DeleteMessage", 3) {
				if e.Zone == home || e.Host == v.ZonalName("sqs", home) {
					t.Errorf("got %+v, want it elsewhere", e)
				}
			}
		})
	}
}

// Given a Pod without a label for its zone, when there are messages, then it works on them.
func TestNoLabel(t *testing.T) {
	for _, path := range manifests {
		t.Run(path, func(t *testing.T) {
			p := schedule(t, read(t, path), "")
			if value := p.env["AZAFFINITY_ZONE"]; value != "" {
				t.Fatalf("got AZAFFINITY_ZONE=%s without a label", value)
			}
			v := start(t, p)
			v.mustSend(t, "1", "2", "3")
			zonal := []string{v.ZonalName("sqs", "us-east-1a"), v.ZonalName("sqs", home), v.ZonalName("sqs", "us-east-1c")}
			for _, e := range v.await(t, "DeleteMessage", 3) {
				if slices.Contains(zonal, e.Host) {
					t.Errorf("got %+v, want no zone's name", e)
				}
			}
		})
	}
}

// Given a queue that isn't there, when the worker starts, then it ends and says so.
func TestNoQueue(t *testing.T) {
	start(t, schedule(t, read(t, manifests[0]), home))
	err := work(t.Context(), "invoices", "")
	if err == nil || !strings.Contains(err.Error(), "NonExistentQueue") && !strings.Contains(err.Error(), "QueueDoesNotExist") {
		t.Errorf("got %v, want an error that says that there is no such queue", err)
	}
}
