package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// Given endpoints that don't answer, when the time is up, then it ends, and what wasn't looked at is no verdict.
func TestTimeIsUp(t *testing.T) {
	t.Parallel()
	l, n := startLab(t, lab.Options{})
	if err := l.Fault(home, lab.BlackHole); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	code, stdout, stderr := printed(t, n, append(fromFile(t, l, home), "-timeout", "150ms")...)
	if code != exitUnknown || !strings.Contains(stderr, "the time is up (-timeout): 1 of 1 endpoints were not checked") ||
		!strings.Contains(stdout, "not checked") || strings.Contains(stdout, "well") || strings.Contains(stdout, "Problems") {
		t.Errorf("got exit code %d,\n%s%s\nwant 2, no verdict and why", code, stdout, stderr)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("it took %v", took)
	}

	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := runIn(interrupted, n, fromFile(t, l, home), &out, &errs); code != exitInterrupted || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("interrupted: got exit code %d and %q, want 130 and why", code, &errs)
	}
}

// Only the services that are asked for are looked at.
func TestServices(t *testing.T) {
	t.Parallel()
	l, n := startLab(t, mixed)
	_, rep := examined(t, n, append(fromFile(t, l, "us-east-1b"), "-services", "sts, dynamodb")...)
	var services []string
	for _, x := range rep.Endpoints {
		services = append(services, x.Service)
	}
	if slices.Sort(services); !slices.Equal(services, []string{"dynamodb", "sts"}) {
		t.Errorf("got %q, want dynamodb and sts", services)
	}
	code, rep := examined(t, n, append(fromFile(t, l, home), "-services", "kms")...)
	if code != exitProblems || !slices.Equal(found(rep), []string{"problem no-endpoints"}) {
		t.Errorf("-services kms: got exit code %d and %q, want 1 and no endpoint", code, found(rep))
	}
}

// The lab's own faults are there to be seen without AWS.
func TestInTheLab(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"refuse": "refused", "black-hole": "zone-timeout", "hang": "tls", "stall": "no-answer",
		"reset": "no-answer", "unavailable": "unavailable", "certificate": "certificate",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := 0
			code, rep := examined(t, nil, "-lab", "-fault", name)
			for _, f := range rep.all() {
				if f.Level != problem {
					continue
				}
				problems++
				if f.Code != want {
					t.Errorf("got %+v, want %q", f, want)
				}
			}
			if code != exitProblems || problems != 4 || rep.Zone.Source != "imds" || rep.From != "the lab" {
				t.Errorf("got exit code %d, %d problems and %+v; want one for each of four endpoints", code, problems, rep)
			}
		})
	}
}

// The lab is not this machine: what its environment says doesn't matter there.
func TestLabIsElsewhere(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "proxy.example:3128")
	t.Setenv("AZAFFINITY_MODE", "off")
	t.Setenv("AZAFFINITY_ZONE", "us-east-1c")
	if code, rep := examined(t, nil, "-lab"); code != exitFine || rep.Zone.Name != home || len(rep.Findings) > 0 {
		t.Errorf("got exit code %d and %+v, want 0 and %s", code, rep, home)
	}
}
