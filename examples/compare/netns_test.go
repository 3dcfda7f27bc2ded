package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab/zonenet"
)

const (
	requireAll = "AZAFFINITY_REQUIRE_ALL"
	apart      = "AZAFFINITY_TEST_COMPARE_APART" // set in the process that is in a network namespace of its own
)

func TestMain(m *testing.M) {
	if os.Getenv(apart) != "" {
		if err := zonenet.Enter(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// The comparison where packets really travel: in a process that runs this test once more, in a network of its own.
func TestNetns(t *testing.T) {
	if os.Getenv(apart) != "" {
		testApart(t)
		return
	}
	if err := zonenet.Available(); err != nil {
		if os.Getenv(requireAll) == "1" {
			t.Fatalf("%v (%s=1: a test that can't run is a failure)", err, requireAll)
		}
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.v", "-test.run=^TestNetns$")
	cmd.Env = append(os.Environ(), apart+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNetns") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func testApart(t *testing.T) {
	isolate(t)
	p := tiny()
	p.Distances = distances{Inside: time.Millisecond, Near: 10 * time.Millisecond, Far: 20 * time.Millisecond}
	p.Slice, p.Steady, p.Faults, p.CostRounds = 200*time.Millisecond, []cell{{healthy, sqsSend, 16, 1}}, nil, 0
	n, err := nearness(t.Context(), p.Distances)
	if err != nil {
		t.Fatal(err)
	}
	if n.Connections == 0 || n.share() > 0.05 {
		t.Errorf("nearest: %d of %d connections are elsewhere, want few", n.Elsewhere, n.Connections)
	}
	network, err := zonenet.Start(zonenet.Options{Home: home, Zones: zoneNames, Distance: p.Distances.between})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	report, err := compare(t.Context(), p, network, []Nearness{n}, bar{})
	if err != nil {
		t.Fatal(err)
	}

	if got, want := len(report.Paths), len(zoneNames); got != want {
		t.Fatalf("got the ways to %d zones, want %d", got, want)
	}
	for _, way := range report.Paths {
		if want := ms(2 * p.Distances.between(home, way.Zone)); way.Asked != want {
			t.Errorf("%s: asked %v ms, want %v", way.Zone, way.Asked, want)
		}
		for when, got := range map[string]PathTiming{"alone": way.Idle, "beside calls": way.Busy} {
			if got.Count == 0 || got.Least < way.Asked {
				t.Errorf("%s, %s: the least of %d round trips took %v ms, want %v at least", way.Zone, when, got.Count, got.Least, way.Asked)
			}
		}
	}
	all := report.Steady[0]
	for _, who := range []string{pinned, ours} {
		if r := all.of(who); r.Calls == 0 || r.Failed > 0 || r.Home != 1 {
			t.Errorf("%s: %d of %d calls failed, %v were in the zone, want all to be: %s", who, r.Failed, r.Calls, r.Home, r.Error)
		}
	}
	checkDialers(t, report)
	for _, s := range report.Dialers {
		if r := s.of(nearest); r.Calls == 0 || r.Failed > 0 || r.Home < 0.95 {
			t.Errorf("%s, nearest: %d of %d calls failed, %v were in the zone, want nearly all to be: %s", s.Workload, r.Failed, r.Calls, r.Home, r.Error)
		}
	}
	var text strings.Builder
	report.writeText(&text, false)
	for _, want := range []string{"network namespaces", "Packets to a zone and back", "How often nearest connects elsewhere"} {
		if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), want) { // wherever lines end
			t.Errorf("the report has no %q", want)
		}
	}
	t.Run("mid-flight", func(t *testing.T) { vanish(t, faults[2], network) })
}
