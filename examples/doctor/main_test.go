package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// What the machine's own environment says is not what a test is about. IMDS, were it asked, would not be found.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, prefix := range []string{"AZAFFINITY_", "AWS_", "ECS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NO_COLOR"} {
			if strings.HasPrefix(strings.ToUpper(name), prefix) && name != requireAll {
				_ = os.Unsetenv(name)
			}
		}
	}
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		_ = os.Setenv(name, value)
	}
	os.Exit(m.Run())
}

const requireAll = "AZAFFINITY_REQUIRE_ALL"

// apart has zones so far from each other that a busy machine can't mistake one for another.
func apart(from, to string) time.Duration {
	if from == to {
		return time.Millisecond / 2
	}
	return 4 * time.Millisecond
}

// startLab starts a VPC, with an endpoint for SQS in all zones where the options name none.
func startLab(t *testing.T, opts lab.Options) (*lab.Lab, *network) {
	t.Helper()
	opts.Distance = apart
	if opts.Endpoints == nil {
		opts.Endpoints = []lab.Endpoint{{Service: "sqs", PrivateDNS: true}}
	}
	l, err := lab.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, inLab(l)
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "endpoints.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fromFile are the flags of a program in a zone that has the VPC's endpoints from a file.
func fromFile(t *testing.T, l *lab.Lab, zone string) []string {
	return []string{"-endpoints", write(t, l.DescribeVpcEndpoints()), "-zone", zone}
}

const home = "us-east-1a"

// examined is the program's report, by -json.
func examined(t *testing.T, n *network, args ...string) (code int, rep report) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = runIn(t.Context(), n, append(args, "-json"), &stdout, &stderr)
	if stderr.Len() > 0 {
		t.Errorf("%q: got %q on stderr, want nothing", args, &stderr)
	}
	dec := json.NewDecoder(&stdout)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&rep); err != nil {
		t.Fatalf("%q: got exit code %d and no JSON: %v", args, code, err)
	}
	if want := map[int]string{exitFine: "fine", exitProblems: "problems", exitUnknown: "unknown"}[code]; rep.Verdict != want {
		t.Errorf("%q: got the verdict %q with exit code %d, want %q", args, rep.Verdict, code, want)
	}
	return code, rep
}

// found lists the findings of a report: "sqs: problem refused", and without a service those that are about none.
func found(rep report) []string {
	list := []string{}
	for _, f := range rep.Findings {
		list = append(list, string(f.Level)+" "+f.Code)
	}
	for _, x := range rep.Endpoints {
		for _, f := range x.Findings {
			list = append(list, x.Service+": "+string(f.Level)+" "+f.Code)
		}
	}
	slices.Sort(list)
	return list
}

// printed is the program's output for people, which is plain and no wider than a page.
func printed(t *testing.T, n *network, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = runIn(t.Context(), n, args, &out, &errs)
	for line := range strings.Lines(out.String()) {
		if strings.ContainsFunc(line, func(c rune) bool { return c != '\n' && (c < ' ' || c > '~') }) || len(line) > width+1 {
			t.Errorf("%q: got the line %q, want plain text of %d columns at most", args, line, width)
		}
	}
	return code, out.String(), errs.String()
}

// Given a VPC where all is well, then every step was taken, the distances are the VPC's, and no request was executed.
func TestAllIsWell(t *testing.T) {
	t.Parallel()
	l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{
		{Service: "s3", PrivateDNS: true}, {Service: "dynamodb"}, {Service: "sqs", PrivateDNS: true}, {Service: "sts", PrivateDNS: true},
	}})
	code, rep := examined(t, n, fromFile(t, l, "use1-az6")...)
	if code != exitFine || len(found(rep)) > 0 || len(rep.Endpoints) != 4 {
		t.Errorf("got exit code %d, %d endpoints and %q; want 0, 4 and nothing", code, len(rep.Endpoints), found(rep))
	}
	if z := rep.Zone; z.ID != "use1-az6" || z.NameUsed != home || z.Source != "static" {
		t.Errorf("got the zone %+v, want use1-az6 by static, with the name %s", z, home)
	}
	for _, x := range rep.Endpoints {
		if x.Verdict != inZone || x.Reason != "InZone" || len(x.Zonal.Addresses) != 1 || len(x.Regional.Addresses) != 3 || x.Zonal.Name != sample(l.ZonalName(x.Service, home)) {
			t.Errorf("%s: got %+v, want its zonal name and an address, and three of its regional name", x.Service, x)
			continue
		}
		for _, p := range []*probe{x.Zonal, x.Regional} {
			for _, a := range p.Addresses {
				least := 8.0 // ms, there and back
				if a.Addr == x.Zonal.Addresses[0].Addr {
					least = 1
				}
				if a.Status != 403 || !a.RequestID || a.RTT < least || least == 1 && a.RTT > 8 {
					t.Errorf("%s: got %+v, want a service's 403 from %v ms away", x.Service, a, least)
				}
			}
		}
	}
	if done := l.Executions(); len(done) > 0 {
		t.Errorf("requests were executed: %v", done)
	}
}

// A flag that can't be used is said before anything is asked.
func TestUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"here":                          `unexpected argument "here"`,
		"-verbose":                      "-verbose",
		"-timeout 0s":                   "-timeout is 0s",
		"-zone us-east-1b.evil":         `-zone: "us-east-1b.evil" is neither a zone name`,
		"-endpoints f.json -discover":   "two sources",
		"-endpoints f.json -vpc vpc-1a": "two sources",
		"-lab -endpoints f.json":        "-lab has endpoints of its own",
		"-fault refuse":                 "-fault is made in the lab",
		"-lab=up":                       "want -lab or -lab=down",
		"-lab -gain":                    "-gain asks AWS",
		"-lab=down -fault hang":         "two faults",
		"-json -snapshot -":             "-json would change nothing",
		"-lab -fault fire":              `-fault "fire" is none: want one of black-hole, certificate, hang, refuse, reset, stall, unavailable`,
		"-endpoints none.json":          "the endpoints can't be listed: endpoint: reading the catalogue: open none.json",
	} {
		code, stdout, stderr := printed(t, nil, strings.Fields(args)...)
		if code != exitUnknown || stdout != "" || !strings.HasPrefix(stderr, "doctor: ") || !strings.Contains(stderr, want) {
			t.Errorf("%s: got exit code %d, output %q and error %q, want 2, none and %q", args, code, stdout, stderr, want)
		}
	}
	if code, stdout, stderr := printed(t, nil, "-h"); code != exitFine || stdout != help || stderr != "" {
		t.Errorf("-h: got exit code %d, %q and %q; want the help", code, stdout, stderr)
	}
}

// Given a stdout that can't be written to, then the exit code says so.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	l, n := startLab(t, lab.Options{})
	for _, more := range [][]string{nil, {"-json"}, {"-snapshot", "-"}} {
		var stderr bytes.Buffer
		code := runIn(t.Context(), n, append(fromFile(t, l, home), more...), brokenPipe{}, &stderr)
		if code != exitUnknown || !strings.Contains(stderr.String(), "the pipe broke") {
			t.Errorf("%q: got exit code %d and %q, want 2 and the reason", more, code, &stderr)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("the pipe broke") }
