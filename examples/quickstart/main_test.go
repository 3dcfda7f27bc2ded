package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

const sample = "testdata/endpoints.json"

// start runs the program with its output in memory, and checks that it is plain text.
func start(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	checkPlain(t, out.String())
	checkPlain(t, errs.String())
	return code, out.String(), errs.String()
}

func checkPlain(t *testing.T, s string) {
	t.Helper()
	for _, c := range s {
		if c != '\n' && (c < ' ' || c > '~') {
			t.Errorf("the output has %q in it, want plain text:\n%s", c, s)
			return
		}
	}
	for line := range strings.Lines(s) {
		if len(line) > width+1 {
			t.Errorf("a line has %d columns, want %d at most: %s", len(line)-1, width, line)
		}
	}
}

// fields are the words of each line, so that columns may be as wide as they are.
func fields(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestRoutesByFile(t *testing.T) {
	const (
		sqsZonal    = "-> vpce-0a1b2c3d4e5f60001-sqsq1111-us-east-1b.sqs.us-east-1.vpce.amazonaws.com\nor sqs.us-east-1.amazonaws.com"
		dynamoZonal = "-> vpce-0a1b2c3d4e5f60003-tabl3333-us-east-1b.dynamodb.us-east-1.vpce.amazonaws.com\n" +
			"or vpce-0a1b2c3d4e5f60003-tabl3333.dynamodb.us-east-1.vpce.amazonaws.com"
	)
	everywhere := []string{
		"s3, a bucket photos.s3.us-east-1.amazonaws.com itself FreePath",
		"s3, all buckets s3.us-east-1.amazonaws.com itself FreePath",
		"sts sts.us-east-1.amazonaws.com itself NoEndpoint",
		"dkr.ecr *.dkr.ecr.us-east-1.amazonaws.com itself NoEndpoint",
		`- "vpce-0a1b2c3d4e5f60007" ("com.amazonaws.us-east-1.secretsmanager") is left out`,
	}
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"a zone's name", []string{"-zone", "us-east-1b"}, []string{
			"sqs sqs.us-east-1.amazonaws.com zonal name, us-east-1b InZone",
			"dynamodb dynamodb.us-east-1.amazonaws.com zonal name, us-east-1b InZone",
			"dynamodb, account 111122223333.ddb.us-east-1.amazonaws.com zonal name, us-east-1b InZone",
			"api.ecr api.ecr.us-east-1.amazonaws.com zonal name, us-east-1b InZone",
			"kms kms.us-east-1.amazonaws.com itself, by private DNS NotInZone",
			"NotInZone: the endpoint has no network interface in the zone.",
			sqsZonal, dynamoZonal,
		}},
		{"a zone's ID", []string{"-zone", "use1-az1"}, []string{"in zone use1-az1, which", sqsZonal, dynamoZonal}},
		{"another zone", []string{"-zone", "us-east-1c"}, []string{"kms kms.us-east-1.amazonaws.com zonal name, us-east-1c InZone"}},
		{"an ID nobody has", []string{"-zone", "use1-az9"}, []string{
			"in zone use1-az9, whose name is not known",
			"sqs sqs.us-east-1.amazonaws.com itself, by private DNS NoZone",
		}},
		{"no zone", nil, []string{
			"while the zone is not known",
			"sqs sqs.us-east-1.amazonaws.com itself, by private DNS NoZone",
			"dynamodb dynamodb.us-east-1.amazonaws.com regional name NoZone",
		}},
		{"a zone of another Region", []string{"-zone", "eu-west-1a"}, []string{
			"sqs sqs.us-east-1.amazonaws.com itself, by private DNS CrossRegion",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := start(t, append([]string{"-endpoints", sample}, test.args...)...)
			if code != exitOK || stderr != "" {
				t.Errorf("got exit code %d and %q, want 0 and no error", code, stderr)
			}
			for _, want := range append(everywhere, test.want...) {
				if !strings.Contains(fields(stdout), want) {
					t.Errorf("the output lacks %q:\n%s", want, stdout)
				}
			}
			if strings.Contains(stdout, "HTTP client") {
				t.Errorf("the output has a note on this program's own HTTP client:\n%s", stdout)
			}
		})
	}
}

// Given a listing without zones, and the zones in a file of their own, then the zone's
// ID is enough to find its name.
func TestZonesInAFileOfTheirOwn(t *testing.T) {
	data, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	var listing map[string]json.RawMessage
	if err := json.Unmarshal(data, &listing); err != nil {
		t.Fatal(err)
	}
	endpoints := write(t, `{"VpcEndpoints": `+string(listing["VpcEndpoints"])+`}`)
	zones := write(t, `{"AvailabilityZones": [{"ZoneId": "use1-az9", "ZoneName": "us-east-1a"}]}`)
	code, stdout, stderr := start(t, "-endpoints", endpoints, "-endpoints", zones, "-zone", "use1-az9")
	const want = "sqs sqs.us-east-1.amazonaws.com zonal name, us-east-1a InZone"
	if code != exitOK || !strings.Contains(fields(stdout), want) {
		t.Errorf("got exit code %d and %s%s, want 0 and %q", code, stderr, stdout, want)
	}
}

func TestWhatCannotBeUsed(t *testing.T) {
	truncated := write(t, `{"VpcEndpoints": [{"VpcEndpointId": "vpce-0a1b`)
	gateway := write(t, `{"VpcEndpoints": [{"VpcEndpointId": "vpce-0a1b2c3d4e5f60000", "VpcEndpointType": "Gateway"}]}`)
	pending := write(t, `{"VpcEndpoints": [{"VpcEndpointId": "vpce-0a1b2c3d4e5f60000", "VpcEndpointType": "Interface", "State": "pending"}]}`)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-endpoints", "testdata/none.json"}, "testdata/none.json"},
		{[]string{"-endpoints", truncated}, "not JSON: it ends in the middle"},
		{[]string{"-endpoints", gateway}, "no interface endpoint"},
		{[]string{"-endpoints", pending}, "its state is"},
		{[]string{"-endpoints", sample, "-zone", "us-east-1b.evil"}, `-zone: "us-east-1b.evil" is neither a zone name`},
		{[]string{"-zone", "us-east-1b"}, "-endpoints"},
		{[]string{"-verbose"}, "-verbose"},
		{[]string{sample}, "unexpected argument"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), test.args, &out, &errs)
		if code != exitUsage || !strings.Contains(errs.String(), test.want) || out.Len() > 0 {
			t.Errorf("%q: got exit code %d, output %q and error %q, want 2, none and %q", test.args, code, &out, &errs, test.want)
		}
	}
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "endpoints.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHelp(t *testing.T) {
	code, stdout, stderr := start(t, "-h")
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "-endpoints FILE") || !strings.Contains(stdout, sample) {
		t.Errorf("got exit code %d, %q and\n%s", code, stderr, stdout)
	}
}

// short is the demonstration without the ten seconds in which a name that failed is left alone.
var short = demo{workers: 6, rounds: 3, calls: 12, pause: 8 * time.Millisecond, outage: 500 * time.Millisecond}

func TestDemo(t *testing.T) {
	checkDemo(t, short, "without azaffinity calls left the zone", "stayed in us-east-1a", "while us-east-1a was down, calls went on", "presigned URL", "no call failed")
}

func TestWholeDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("a name that has failed is left alone for ten seconds")
	}
	checkDemo(t, standard, "stayed in us-east-1a", "while us-east-1a was down, calls went on", "after the repair they came back", "presigned URL", "no call failed")
}

func checkDemo(t *testing.T, d demo, claims ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := d.run(t.Context(), newOutput(&out, &errs)); code != exitOK || errs.Len() > 0 {
		t.Errorf("got exit code %d and %q, want 0:\n%s", code, &errs, &out)
	}
	checkPlain(t, out.String())
	for _, claim := range claims {
		if !strings.Contains(out.String(), claim) {
			t.Errorf("it doesn't claim %q:\n%s", claim, &out)
		}
	}
}

func TestDemoNoticesThatNothingIsRouted(t *testing.T) {
	off := short
	off.mode = resolver.Off
	var out, errs bytes.Buffer
	if code := off.run(t.Context(), newOutput(&out, &errs)); code != exitBroken || !strings.Contains(out.String(), "NO with it none did") {
		t.Errorf("with azaffinity switched off: got exit code %d and %q, want 1:\n%s", code, &errs, &out)
	}
}

func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	var out, errs bytes.Buffer
	start := time.Now()
	code := run(ctx, nil, &out, &errs)
	if took := time.Since(start); code != exitInterrupted || took > 3*time.Second || strings.Contains(out.String(), "Checked") {
		t.Errorf("got exit code %d after %v, want %d at once:\n%s", code, took, exitInterrupted, &out)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
