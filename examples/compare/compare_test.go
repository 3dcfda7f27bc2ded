package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab/zonenet"
)

// tiny is as little as shows what must be so, however slow the machine is. No test looks at how long anything took.
func tiny() plan {
	p := quick()
	p.Rounds, p.Slice, p.Deadline = 2, 60*time.Millisecond, 20*time.Second
	p.Steady = []cell{{healthy, sqsSend, 1, 2}, {healthy, s3PutSmall, 1, 1}, {missing, sqsSend, 4, 1}, {noMetadata, sqsSend, 4, 1}, {refusing, sqsSend, 4, 1}}
	p.Dialers = []cell{{healthy, sqsSend, 4, 1}}
	p.Faults, p.Before, p.During, p.After = faults[:1], 1500*time.Millisecond, 7*time.Second, 100*time.Millisecond // enough calls to spread; longer than all of the SDK's pauses
	p.CostRounds, p.CostCalls = 2, 50
	return p
}

func TestCompare(t *testing.T) {
	isolate(t)
	report, err := compare(t.Context(), tiny(), nil, nil, bar{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range report.Steady {
		for _, r := range s.Results {
			where := s.Setting + ", " + s.Workload + ", " + r.Contender
			wantHome, wantFailed := 0.0, 0
			switch {
			case s.Setting == missing.Name && r.Contender == pinned:
				wantFailed = r.Calls // there is no such name
			case s.Setting == missing.Name, s.Setting == refusing.Name:
			case r.Contender == pinned, r.Contender == ours && s.Setting == healthy.Name:
				wantHome = 1
			default: // the regional name, over which calls spread
				wantHome = -1
				if r.Home == 1 {
					t.Errorf("%s: all calls stayed in the zone, want some elsewhere", where)
				}
			}
			if r.Calls == 0 {
				t.Errorf("%s: no calls", where)
			}
			if r.Failed != wantFailed {
				t.Errorf("%s: %d of %d calls failed, want %d: %s", where, r.Failed, r.Calls, wantFailed, r.Error)
			}
			if wantHome >= 0 && r.Home != wantHome {
				t.Errorf("%s: %v of the calls were in the zone, want %v", where, r.Home, wantHome)
			}
		}
	}
	for _, f := range report.Faults {
		if before := f.of(bare).Before; before.Calls == 0 || before.Home == 0 || before.Home > 0.7 {
			t.Errorf("%s: of %d calls by the regional name %v were in the zone before the fault, want a third", f.Fault, before.Calls, before.Home)
		}
		if us := f.of(ours); us.Failed != 0 || us.Recovered == nil {
			t.Errorf("%s: azaffinity: %d of %d calls failed, want none: %s", f.Fault, us.Failed, us.Calls, us.Error)
		}
		if they := f.of(pinned); they.During.Failed == 0 {
			t.Errorf("%s: pinned: none of %d calls failed, want that some do", f.Fault, they.During.Calls)
		}
	}
	checkDialers(t, report)
	for _, c := range report.Costs {
		if c.Allocs < 50 {
			t.Errorf("cost of %s: got %v allocations a call, want what an SDK call has", c.Contender, c.Allocs)
		}
		if c.Contender == ours && c.AllocRatio.Center <= 1 {
			t.Errorf("cost: azaffinity has %v times the bare SDK's allocations, want more: it can't be free", c.AllocRatio.Center)
		}
		if c.Contender == control && (c.AllocRatio.Center < 0.99 || c.AllocRatio.Center > 1.01) {
			t.Errorf("cost: the bare SDK has %v times its own allocations, want 1", c.AllocRatio.Center)
		}
	}
	t.Run("files", func(t *testing.T) { checkFiles(t, report) })
	t.Run("text", func(t *testing.T) { checkText(t, report) })
}

// Given endpoints that are listed, when a plain client connects by the dialer, then its calls stay in the zone, and go on while that is down.
func checkDialers(t *testing.T, report Report) {
	t.Helper()
	for _, s := range report.Dialers {
		if r := s.of(dialed); r.Calls == 0 || r.Failed > 0 || r.Home != 1 {
			t.Errorf("%s, dialer: %d of %d calls failed, %v were in the zone, want all to be: %s", s.Workload, r.Failed, r.Calls, r.Home, r.Error)
		}
		if r := s.of(bare); r.Calls == 0 || r.Home == 1 {
			t.Errorf("%s, bare SDK: %v of %d calls were in the zone, want some elsewhere", s.Workload, r.Home, r.Calls)
		}
	}
	for _, f := range report.DialerFaults {
		if us := f.of(dialed); us.During.Calls == 0 || us.Failed > 0 || us.Before.Home != 1 {
			t.Errorf("%s, dialer: %d of %d calls failed, %v were in the zone before it, want none and all: %s", f.Fault, us.Failed, us.Calls, us.Before.Home, us.Error)
		}
	}
	if len(report.Dialers) == 0 || len(report.DialerFaults) != len(report.Faults) {
		t.Errorf("got %d workloads and %d faults of dialers, want some and %d", len(report.Dialers), len(report.DialerFaults), len(report.Faults))
	}
}

func checkFiles(t *testing.T, report Report) {
	dir := filepath.Join(t.TempDir(), "new", "one")
	if err := report.writeFiles(dir); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(content, &again); err != nil {
		t.Fatal(err)
	}
	if got, want := len(again.Steady), len(report.Steady); got != want {
		t.Errorf("report.json: got %d workloads, want %d", got, want)
	}
	if got, want := again.Steady[0].of(ours).Latency, report.Steady[0].of(ours).Latency; got != want {
		t.Errorf("report.json: got %+v, want %+v", got, want)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, outside := range []string{"src=\"http", "href=", "<script", "@import", "url("} {
		if bytes.Contains(page, []byte(outside)) {
			t.Errorf("report.html has %q in it, want nothing from elsewhere", outside)
		}
	}
	pictures, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(pictures), len(report.Steady)+len(report.Faults); got != want {
		t.Errorf("got %d plots, want %d", got, want)
	}
	if got := bytes.Count(page, []byte("data:image/png;base64,")); got != 2*len(pictures) {
		t.Errorf("report.html has %d plots in it, want %d, for white and for dark pages", got, 2*len(pictures))
	}
	for _, path := range pictures {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(file)
		_ = file.Close()
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if size := picture.Bounds().Size(); size.X < 500 || size.Y < 300 {
			t.Errorf("%s: got %v pixels, want a picture to look at", path, size)
		}
	}
}

func checkText(t *testing.T, report Report) {
	var out strings.Builder
	report.writeText(&out, false)
	for _, want := range append([]string{dialed, "Clients without the middleware", healthy.Name, missing.Name, noMetadata.Name, control, "no such host", "Targets", "zone refuses"}, names...) {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, &out)
		}
	}
}

// Packets that vanish hold a pinned name's calls up, and take azaffinity elsewhere.
func TestBlackHole(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a black hole can be made on Linux only")
	}
	isolate(t)
	for _, f := range faults[1:3] {
		t.Run(f.Name, func(t *testing.T) {
			vanish(t, f, nil)
		})
	}
}

// vanish makes calls through a fault that drops the home zone's packets.
func vanish(t *testing.T, f fault, network *zonenet.Network) {
	t.Helper()
	p := tiny()
	p.During, p.FaultRate = 4*time.Second, 10
	r := &runner{plan: p, network: network, began: func(string) {}, spent: func(time.Duration) {}}
	o, err := r.through(t.Context(), f, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := faultOf(f, []outage{o})
	if us := got.of(ours); us.Failed != 0 {
		t.Errorf("azaffinity: %d of %d calls failed, want none: %s", us.Failed, us.Calls, us.Error)
	}
	if they := got.of(pinned); they.Failed+they.Slow == 0 {
		t.Errorf("pinned: none of %d calls failed or took over a second, want that some do", they.Calls)
	}
	for i, elsewhere := range map[int]bool{1: false, 2: true} {
		away := 0
		for _, s := range between(o.all[i].samples, o.struck, o.repaired) {
			if s.Err == nil && !s.Home {
				away++
			}
		}
		if away > 0 != elsewhere {
			t.Errorf("%s: %d calls were answered in other zones, want some: %t", names[i], away, elsewhere)
		}
	}
}

func TestFlags(t *testing.T) {
	isolate(t)
	ended, cancel := context.WithCancel(t.Context()) // what is let through by mistake begins nothing
	cancel()
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"an argument", []string{"now"}, `unexpected argument "now"`},
		{"no such flag", []string{"-fast"}, "-fast"},
		{"negative rounds", []string{"-rounds", "-1"}, "less than 0"},
		{"a negative distance", []string{"-inside", "-1ms"}, "the distances must be"},
		{"neighbours inside", []string{"-inside", "2ms", "-near", "1ms", "-far", "3ms"}, "the distances must be"},
		{"neighbours far away", []string{"-near", "3ms", "-far", "2ms"}, "the distances must be"},
		{"too far", []string{"-far", "101ms"}, "far <= 100ms, not 100µs, 500µs and 101ms"},
		{"two places", []string{"-real", "-netns"}, "choose one"},
		{"distances in a real VPC", []string{"-real", "-inside", "0", "-near", "1ms", "-far", "2ms"}, "-far, -inside, -near would change nothing with -real"},
		{"no real VPC", []string{"-rate", "5", "-bucket", "photos", "-turn", "3s", "-yes"}, "-bucket, -rate, -turn, -yes would change nothing without -real"},
		{"a rate of nothing", []string{"-real", "-rate", "0"}, "-rate must be from 0.01 to 50"},
		{"a negative rate", []string{"-real", "-rate", "-1"}, "-rate must be from 0.01 to 50"},
		{"a tiny rate", []string{"-real", "-rate", "1e-10"}, "-rate must be from 0.01 to 50"},
		{"a rate that is too high", []string{"-real", "-rate", "1e10"}, "-rate must be from 0.01 to 50"},
		{"an infinite rate", []string{"-real", "-rate", "Inf"}, "-rate must be from 0.01 to 50"},
		{"no number", []string{"-real", "-rate", "NaN"}, "-rate must be from 0.01 to 50"},
		{"turns of no length", []string{"-real", "-turn", "0"}, "-turn must be 1s or more"},
		{"turns back in time", []string{"-real", "-turn", "-3s"}, "-turn must be 1s or more"},
	} {
		var stdout, stderr strings.Builder
		if got := run(ended, test.args, nil, &stdout, &stderr); got != exitUsage {
			t.Errorf("%s: got exit code %d, want %d", test.name, got, exitUsage)
		}
		if !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 {
			t.Errorf("%s: got %q and %q, want %q on stderr only", test.name, &stdout, &stderr, test.want)
		}
	}
	f, err := parse([]string{"-quick", "-inside", "0", "-near", "1ms", "-far", "2ms", "-deadline", "1s", "-rounds", "7"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if want := (distances{0, time.Millisecond, 2 * time.Millisecond}); f.plan.Distances != want {
		t.Errorf("got %v, want %v", f.plan.Distances, want)
	}
	if f.plan.Name != "quick" || f.plan.Deadline != time.Second || f.plan.Rounds != 7 {
		t.Errorf("got %s, %v, %d rounds, want quick, 1s, 7", f.plan.Name, f.plan.Deadline, f.plan.Rounds)
	}
}

func TestFlagsOfReal(t *testing.T) {
	f, err := parse([]string{"-real", "-rate", "50", "-turn", "1s", "-bucket", "photos", "-yes", "-rounds", "2"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if want := (realOptions{rate: 50, turn: time.Second, bucket: "photos", yes: true}); f.realOptions != want {
		t.Errorf("got %+v, want %+v", f.realOptions, want)
	}
}

// isolate keeps the machine's environment out of the SDK's configuration.
func isolate(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_CA_BUNDLE", "AZAFFINITY_ZONE", "AZAFFINITY_ENDPOINTS", "AZAFFINITY_ENDPOINTS_FILE", "AZAFFINITY_MODE", "AZAFFINITY_ZONE_NAMES"} {
		t.Setenv(name, "") // which has it put back
		_ = os.Unsetenv(name)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true") // nobody asks the real one; the labs' own are told apart
}
