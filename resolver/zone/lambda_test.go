package zone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const lambdaToken = "c0ffee-a-token-that-nobody-may-print"

// fakeLambda is the metadata endpoint as the Lambda Developer Guide documents it.
func fakeLambda(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/2026-01-15/metadata/execution-environment":
			http.NotFound(w, r)
		case r.Method != http.MethodGet:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.Header.Get("Authorization") != "Bearer "+lambdaToken:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "private, max-age=43200, immutable")
			h(w, r)
		}
	})
	t.Setenv("AWS_LAMBDA_METADATA_API", strings.TrimPrefix(server.URL, "http://"))
	t.Setenv("AWS_LAMBDA_METADATA_TOKEN", lambdaToken)
}

func lambdaAnswer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func TestLambda(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    Zone
		inError string
	}{
		{"the documented answer", lambdaAnswer(`{"AvailabilityZoneID":"use1-az1"}`), Zone{ID: "use1-az1"}, ""},
		{"more fields", lambdaAnswer(`{"Region":{"x":[1]},"AvailabilityZoneID":"use1-az1","AvailabilityZone":7}`), Zone{ID: "use1-az1"}, ""},
		{"another case is another field", lambdaAnswer(`{"AvailabilityZoneID":"use1-az1","availabilityZoneId":"use1-az2"}`), Zone{ID: "use1-az1"}, ""},
		{"no such field", lambdaAnswer(`{}`), Zone{}, "AvailabilityZoneID is missing"},
		{"a name for an ID", lambdaAnswer(`{"AvailabilityZoneID":"us-east-1a"}`), Zone{}, "not a zone ID"},
		{"401", status(401), Zone{}, "401 Unauthorized: AWS_LAMBDA_METADATA_TOKEN was not accepted"},
		{"405", status(405), Zone{}, "405 Method Not Allowed"},
		{"500", status(500), Zone{}, "500 Internal Server Error"},
		{"10 MB", lambdaAnswer(`{"AvailabilityZoneID":"` + strings.Repeat("a", 10<<20) + `"}`), Zone{}, "larger than 64 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			source := Lambda(patient)
			fakeLambda(t, c.handler) // later than Lambda: the environment is read at each ask
			before := time.Now()
			got, err := Ask(t.Context(), source)
			if c.inError != "" {
				wantAnswer(t, got, err, Answer{Source: "lambda"}, c.inError)
				if err != nil && !strings.HasPrefix(err.Error(), "Lambda: ") {
					t.Errorf("error %q doesn't start with its source", err)
				}
				return
			}
			wantAnswer(t, got, err, Answer{Zone: c.want, Source: "lambda"}, "")
			earliest, latest := before.Add(12*time.Hour), time.Now().Add(12*time.Hour)
			if got.Until.Before(earliest.Round(0)) || got.Until.After(latest.Round(0)) {
				t.Errorf("until %v, want 12 hours from now", got.Until)
			}
		})
	}
}

func TestLambdaRefusesSurprises(t *testing.T) {
	for _, c := range surprises {
		t.Run(c.name, func(t *testing.T) {
			z, err := parseEnvironment(strings.NewReader(surprise(c.body, "AvailabilityZoneID", "use1-az1")))
			wantAnswer(t, Answer{Zone: z}, err, Answer{}, surprise(c.inError, "AvailabilityZoneID", "use1-az1"))
		})
	}
}

func TestMaxAge(t *testing.T) {
	for _, c := range []struct {
		name   string
		header []string
		want   time.Duration
	}{
		{"as documented", []string{"private, max-age=43200, immutable"}, 12 * time.Hour},
		{"around SnapStart", []string{"private, max-age=30"}, 30 * time.Second},
		{"in capitals, quoted", []string{`Max-Age="60"`}, time.Minute},
		{"in a second line", []string{"private", "max-age=60"}, time.Minute},
		{"none", nil, 5 * time.Minute},
		{"another directive", []string{"s-maxage=60"}, 5 * time.Minute},
		{"no number", []string{"max-age=soon"}, 5 * time.Minute},
		{"nothing", []string{"max-age"}, 5 * time.Minute},
		{"negative", []string{"max-age=-1"}, 5 * time.Minute},
		{"zero", []string{"max-age=0"}, time.Second},
		{"a year", []string{"max-age=31536000"}, 24 * time.Hour},
		{"more than a Duration holds", []string{"max-age=9223372036854775807"}, 24 * time.Hour},
		{"more than any integer holds", []string{"max-age=999999999999999999999999"}, 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := maxAge(http.Header{"Cache-Control": c.header}); got != c.want {
				t.Errorf("maxAge(%q) = %v, want %v", c.header, got, c.want)
			}
		})
	}
}

func TestLambdaNeverPrintsTheToken(t *testing.T) {
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"AvailabilityZoneID":%q}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	})
	host, silent := strings.TrimPrefix(echo.URL, "http://"), dead(t)
	for _, c := range []struct {
		name, host, token, inError string
	}{
		{"not set", "", "", "AWS_LAMBDA_METADATA_API is not set"},
		{"no token", host, "", "AWS_LAMBDA_METADATA_TOKEN is not set"},
		{"a token with a line's end", host, lambdaToken + "\r\nX: y", "is not a token"},
		{"a token that isn't ASCII", host, lambdaToken + "é", "is not a token"},
		{"a server that echoes it", host, lambdaToken, "not a zone ID"},
		{"a public address", "192.0.2.1:9001", lambdaToken, "refused, since"},
		{"a host name", "evil.example.com:9001", lambdaToken, "refused, since"},
		{"nobody there", refusing(t), lambdaToken, "refused"},
		{"a server that never answers", silent, lambdaToken, "no answer within 20ms"},
		{"the token as the host", lambdaToken, lambdaToken, "refused, since"},
		{"the token as the port", "127.0.0.1:" + lambdaToken, lambdaToken, "not a host and port"},
		{"the token as the user", lambdaToken + "@" + host, lambdaToken, "not a host and port"},
		{"the token as a path", host + "/" + lambdaToken, lambdaToken, "not a host and port"},
		{"a URL", "http://" + host, lambdaToken, "not a host and port"},
		{"a control character", lambdaToken + "\x7f", lambdaToken, "not a host and port"},
		{"an open bracket", "[" + lambdaToken, lambdaToken, "not a host and port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			t.Setenv("AWS_LAMBDA_METADATA_API", c.host)
			t.Setenv("AWS_LAMBDA_METADATA_TOKEN", c.token)
			timeout := patient
			if c.host == silent {
				timeout = WithTimeout(20 * time.Millisecond)
			}
			got, err := Ask(t.Context(), Lambda(timeout))
			wantAnswer(t, got, err, Answer{Source: "lambda"}, c.inError)
			if err != nil && strings.Contains(err.Error(), lambdaToken[:10]) {
				t.Errorf("the token, or a part of it, is in the error %q", err)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	err := redact(errors.New("lookup "+lambdaToken+": no such host"), lambdaToken)
	if got, want := err.Error(), "lookup [token]: no such host"; got != want {
		t.Errorf("redact = %q, want %q", got, want)
	}
	if got := redact(context.Canceled, lambdaToken); got != context.Canceled {
		t.Errorf("redact of an error without the token = %v, want it unchanged", got)
	}
}

func FuzzLambdaBody(f *testing.F) {
	f.Add([]byte(`{"AvailabilityZoneID":"use1-az1"}`))
	for _, c := range surprises {
		f.Add([]byte(surprise(c.body, "AvailabilityZoneID", "use1-az1")))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		z, err := parseEnvironment(bytes.NewReader(body))
		if err == nil && (z.ID == "" || z.Name != "" || z.Validate() != nil) {
			t.Errorf("parseEnvironment(%q) = %+v", body, z)
		}
	})
}
