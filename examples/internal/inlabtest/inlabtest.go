// Package inlabtest starts examples in a VPC of their own in tests, and looks at where their calls went.
package inlabtest

import (
	"maps"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// Start starts a VPC for the time of the test, and gives it the environment of an instance there.
func Start(t *testing.T) *inlab.VPC {
	t.Helper()
	v, err := inlab.Start(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	v.Setenv(t.Setenv)
	return v
}

// WantHome fails unless the home zone executed so many requests since the last look, and the others none.
func WantHome(t *testing.T, v *inlab.VPC, requests int) {
	t.Helper()
	want := map[string]int{"us-east-1a": 0, "us-east-1b": 0, "us-east-1c": 0}
	want[v.Home.Name] = requests
	if got := v.Requests(); !maps.Equal(got, want) {
		t.Errorf("requests by zone: got %v, want %v", got, want)
	}
	v.ResetRequests()
}

// WantAway fails unless zones other than home executed so many requests since the last look, and home none.
func WantAway(t *testing.T, v *inlab.VPC, requests int) {
	t.Helper()
	got := v.Requests()
	if all := got["us-east-1a"] + got["us-east-1b"] + got["us-east-1c"]; all != requests || got[v.Home.Name] != 0 {
		t.Errorf("requests by zone: got %v, want %d, and none in %s", got, requests, v.Home.Name)
	}
	v.ResetRequests()
}

// Break has all endpoints in the home zone fail from now on.
func Break(t *testing.T, v *inlab.VPC, fault lab.Fault) {
	t.Helper()
	if err := v.Fault(v.Home.Name, fault); err != nil {
		t.Fatal(err)
	}
}

// Await returns when what is true, which is to happen on its own and soon.
func Await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for 30 s in vain: %s", what)
		}
	}
}

// NeedGo skips the test where there is no go command to build examples with; where nothing may be skipped, it fails.
func NeedGo(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("go"); err == nil {
		return
	}
	const missing = "there is no go command in PATH, which this builds an example with"
	if os.Getenv("AZAFFINITY_REQUIRE_ALL") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}
