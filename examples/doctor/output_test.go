package main

import (
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// What is so of several endpoints is said once, with all their names, and a table shows how far each step got.
func TestReport(t *testing.T) {
	t.Parallel()
	l, n := startLab(t, mixed) // of which dynamodb is in us-east-1b only
	if err := l.Fault(home, lab.Refuse); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := printed(t, n, "-endpoints", write(t, withGateway(t, l, "s3")), "-zone", "use1-az6")
	if code != exitProblems || stderr != "" {
		t.Errorf("got exit code %d and %q, want 1 and nothing", code, stderr)
	}
	var lines []string // with columns as wide as they are
	for line := range strings.Lines(stdout) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	got := strings.Join(lines, "\n")
	for _, want := range []string{
		"zone use1-az6, which the endpoints' owner calls us-east-1a, by static in",
		"service answer zone other zones calls go to",
		"s3 - - - left aside",
		"dynamodb 403 - ",
		"sqs connect: refused - ",
		"ms other zones\n",
		"Problems\n- dynamodb: it is not in us-east-1a",
		"- sqs, sts: its zonal name refuses connections to port 443\n" + l.ZonalName("sqs", home) + "\n" + l.ZonalName("sts", home) + "\n> look for",
		"Advice\n- s3: it is not used: the VPC's gateway endpoint",
		"3 problems, 1 piece of advice.\nCalls to 0 of 3 endpoints can be kept in the zone.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant in it\n%s", got, want)
		}
	}
	if strings.Contains(got, "Notes") {
		t.Errorf("the gateway endpoint is in notes, too:\n%s", got)
	}
}
