package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// bare takes away what the machine's own environment says about a zone. IMDS, were it asked, would not be found.
func bare(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AZAFFINITY_ZONE", "ECS_CONTAINER_METADATA_URI_V4", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_EXECUTION_ENV", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// serve returns a server's host and port.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func onFargate(t *testing.T) {
	t.Setenv("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")
	t.Setenv("ECS_CONTAINER_METADATA_URI_V4", "http://"+serve(t, answer(`{"AvailabilityZone":"us-west-2d","AvailabilityZoneID":"usw2-az4"}`))+"/v4/x")
}

func onLambda(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
	t.Setenv("AWS_LAMBDA_METADATA_TOKEN", "secret")
	t.Setenv("AWS_LAMBDA_METADATA_API", serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=43200, immutable")
		answer(`{"AvailabilityZoneID":"use1-az1"}`)(w, r)
	}))
}

func onEC2(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/latest/api/token":
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
			answer("token")(w, r)
		case "/latest/meta-data/placement/availability-zone":
			answer("us-east-1a")(w, r)
		case "/latest/meta-data/placement/availability-zone-id":
			answer("use1-az6")(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
}

func TestWhereAmI(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(*testing.T)
		want  place
		until bool
	}{
		{"told", func(t *testing.T) { t.Setenv("AZAFFINITY_ZONE", "us-east-1c") }, place{Name: "us-east-1c", Source: "env"}, false},
		{"EC2", onEC2, place{Name: "us-east-1a", ID: "use1-az6", Source: "imds"}, false},
		{"Fargate", onFargate, place{Name: "us-west-2d", ID: "usw2-az4", Source: "ecs"}, false},
		{"Lambda", onLambda, place{ID: "use1-az1", Source: "lambda"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bare(t)
			c.given(t)
			text := wantOutput(t)
			want := `zone name  ` + orUnknown(c.want.Name) + `\nzone ID    ` + orUnknown(c.want.ID) + `\nsource     ` + c.want.Source + `\ntook       [0-9.]+[nµm]?s\n`
			if !regexp.MustCompile(`^` + want + `$`).MatchString(text) {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}

			var got place
			line := wantOutput(t, "-json", "-timeout", "20s")
			if err := json.Unmarshal([]byte(line), &got); err != nil || strings.Count(line, "\n") != 1 {
				t.Fatalf("got %q, error %v; want one line of JSON", line, err)
			}
			if !strings.Contains(line, `"took_ms":`) || (got.Until != nil) != c.until {
				t.Errorf("got %s; want took_ms in it, and until: %v", line, c.until)
			}
			if got.TookMS, got.Until = 0, nil; got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// wantOutput runs the program, which is to succeed, and returns what it prints.
func wantOutput(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
		t.Errorf("%q: got exit code %d and\n%s\nwant %d and nothing", args, code, &stderr, exitOK)
	}
	return stdout.String()
}

// Given no source that knows, then every source's reason is on stderr, and nothing on stdout, -json or not.
func TestUnknown(t *testing.T) {
	bare(t)
	for _, args := range [][]string{nil, {"-json"}} {
		wantError(t, t.Context(), args, exitUnknown,
			"whereami: the zone is not known, after ",
			"\nAZAFFINITY_ZONE is not set: set it to the zone's name",
			"\nECS: ECS_CONTAINER_METADATA_URI_V4 is not set",
			"\nLambda: AWS_LAMBDA_METADATA_API is not set",
			"\nIMDS was not asked: AWS_EC2_METADATA_DISABLED is true\n")
	}
}

// Given metadata that doesn't answer, then the program ends when its time is up.
func TestTimeout(t *testing.T) {
	bare(t)
	release := make(chan struct{})
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+serve(t, func(http.ResponseWriter, *http.Request) { <-release }))
	defer close(release) // before the server is closed, which waits
	wantError(t, t.Context(), []string{"-timeout", "20ms"}, exitUnknown, "IMDS: "+context.DeadlineExceeded.Error())

	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, interrupted, nil, exitInterrupted, context.Canceled.Error())
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-zone":           "flag provided but not defined: -zone",
		"here":            `unexpected argument "here"`,
		"-timeout 0s":     "-timeout is 0s: give it time to ask",
		"-timeout=-1s":    "-timeout is -1s: give it time to ask",
		"-timeout 5 here": "invalid value",
	} {
		wantError(t, t.Context(), strings.Fields(args), exitUsage, "whereami: ", want, "(-h says more)")
	}
	if got := wantOutput(t, "-h"); got != help {
		t.Errorf("-h: got %q, want the help", got)
	}
}

// Given a stdout that can't be written to, then the exit code says so.
func TestBrokenPipe(t *testing.T) {
	bare(t)
	t.Setenv("AZAFFINITY_ZONE", "us-east-1c")
	for _, args := range [][]string{nil, {"-json"}} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, broken{}, &stderr); code != exitUnknown || !strings.Contains(stderr.String(), "the pipe broke") {
			t.Errorf("%q: got exit code %d and %q, want %d and the reason", args, code, &stderr, exitUnknown)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe broke") }

// wantError runs the program, which is to fail soon, with all of want on stderr and nothing on stdout.
func wantError(t *testing.T, ctx context.Context, args []string, code int, want ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	start := time.Now()
	if got := run(ctx, args, &stdout, &stderr); got != code || stdout.Len() > 0 {
		t.Errorf("%q: got exit code %d and output %q, want %d and none", args, got, &stdout, code)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("%q: it took %v", args, took)
	}
	for _, want := range want {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q: got\n%s\nwant %q in it", args, &stderr, want)
		}
	}
}
