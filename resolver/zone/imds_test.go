package zone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

const (
	tokenPath = "/latest/api/token"
	namePath  = "/latest/meta-data/placement/availability-zone"
	idPath    = "/latest/meta-data/placement/availability-zone-id"
)

// fakeIMDS is IMDSv2, as far as a zone needs it. Without changes to instead it knows us-east-1a, use1-az6.
type fakeIMDS struct {
	url     string
	instead map[string]http.HandlerFunc // by path, in place of the usual answer

	mu    sync.Mutex
	token int      // the current one
	asked []string // method and path, in order
}

func newFakeIMDS(t *testing.T, instead map[string]http.HandlerFunc) *fakeIMDS {
	f := &fakeIMDS{instead: instead}
	f.url = serve(t, f.serve).URL
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f.url)
	return f
}

func (f *fakeIMDS) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	answers := map[string]string{namePath: "us-east-1a", idPath: "use1-az6"}
	switch h := f.instead[r.URL.Path]; {
	case h != nil:
		h(w, r)
	case r.URL.Path == tokenPath && r.Method == http.MethodPut:
		f.token++
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"))
		fmt.Fprintf(w, "token-%d", f.token)
	case r.Header.Get("X-Aws-Ec2-Metadata-Token") != fmt.Sprintf("token-%d", f.token):
		w.WriteHeader(http.StatusUnauthorized)
	case answers[r.URL.Path] != "":
		fmt.Fprint(w, answers[r.URL.Path])
	default:
		http.NotFound(w, r)
	}
}

// expireTokens makes the service forget the tokens it gave, sooner than it said.
func (f *fakeIMDS) expireTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.token++
}

func (f *fakeIMDS) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if got := strings.Join(f.asked, ", "); got != strings.Join(want, ", ") {
		t.Errorf("IMDS was asked %s; want %s", got, strings.Join(want, ", "))
	}
	f.asked = nil
}

func patientIMDS(optFns ...func(*imds.Options)) Source {
	return imdsSource(newConfig([]Option{patient}), optFns)
}

func answerWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestIMDS(t *testing.T) {
	both := Zone{Name: "us-east-1a", ID: "use1-az6"}
	for _, c := range []struct {
		name    string
		instead map[string]http.HandlerFunc
		want    Zone
		inError string
	}{
		{"name and ID", nil, both, ""},
		{"no ID", map[string]http.HandlerFunc{idPath: http.NotFound}, Zone{Name: "us-east-1a"}, ""},
		{"a line's end", map[string]http.HandlerFunc{namePath: answerWith(200, "us-east-1a\n")}, both, ""},
		{"an ID that fails", map[string]http.HandlerFunc{idPath: answerWith(500, "")}, Zone{}, "500 Internal Server Error"},
		{"no name", map[string]http.HandlerFunc{namePath: http.NotFound}, Zone{}, "404 Not Found"},
		{"no tokens, thus IMDSv1", map[string]http.HandlerFunc{tokenPath: http.NotFound}, Zone{}, "404 Not Found"},
		{"token refused", map[string]http.HandlerFunc{namePath: answerWith(401, "")}, Zone{}, "401 Unauthorized"},
		{"an empty name", map[string]http.HandlerFunc{namePath: answerWith(200, "")}, Zone{}, `is "", not a zone name`},
		{"a captive portal's page", map[string]http.HandlerFunc{namePath: answerWith(200, "<html>")}, Zone{}, `is "<html>", not a zone name`},
		{"a captive portal's page for a token", map[string]http.HandlerFunc{tokenPath: answerWith(200, "<html>\n")}, Zone{}, "IMDS: "},
		{"a captive portal's redirect", map[string]http.HandlerFunc{namePath: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, idPath, http.StatusFound)
		}}, Zone{}, "302 Found"},
		{"an ID for a name", map[string]http.HandlerFunc{namePath: answerWith(200, "use1-az6")}, Zone{}, "not a zone name"},
		{"a host", map[string]http.HandlerFunc{namePath: answerWith(200, "us-east-1a.evil.example.com")}, Zone{}, "not a zone name"},
		{"a bad ID", map[string]http.HandlerFunc{idPath: answerWith(200, "../use1-az6")}, Zone{}, "not a zone ID"},
		{"10 MB", map[string]http.HandlerFunc{namePath: answerWith(200, strings.Repeat("a", 10<<20))}, Zone{}, "larger than 64 KiB"},
		{"10 MB for a token", map[string]http.HandlerFunc{tokenPath: answerWith(200, strings.Repeat("a", 10<<20))}, Zone{}, "IMDS: "},
		{"a connection that breaks", map[string]http.HandlerFunc{tokenPath: func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}}, Zone{}, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			source := patientIMDS()
			newFakeIMDS(t, c.instead)
			got, err := Ask(t.Context(), source)
			if c.inError != "" {
				wantAnswer(t, got, err, Answer{Source: "imds"}, c.inError)
				if err != nil && (!strings.HasPrefix(err.Error(), "IMDS") || !strings.HasSuffix(err.Error(), "set AZAFFINITY_ZONE")) {
					t.Errorf("error %q doesn't start with its source and end with the remedy", err)
				}
				return
			}
			wantAnswer(t, got, err, Answer{Zone: c.want, Source: "imds"}, "")
		})
	}
}

func TestIMDSAsksNoMoreThanItMust(t *testing.T) {
	bareEnvironment(t)
	server := newFakeIMDS(t, nil)
	source := patientIMDS()
	ask := func() {
		t.Helper()
		if _, err := source.Zone(t.Context()); err != nil {
			t.Error(err)
		}
	}
	ask()
	server.wantAsked(t, "PUT "+tokenPath, "GET "+namePath, "GET "+idPath, "GET "+macPath)
	ask() // the token is kept, the answers aren't
	server.wantAsked(t, "GET "+namePath, "GET "+idPath, "GET "+macPath)
	server.expireTokens()
	ask()
	server.wantAsked(t, "GET "+namePath, "PUT "+tokenPath, "GET "+namePath, "GET "+idPath, "GET "+macPath)

	server.instead = map[string]http.HandlerFunc{namePath: answerWith(500, "")}
	if _, err := source.Zone(t.Context()); err == nil {
		t.Error("500 is no error")
	}
	server.wantAsked(t, "GET "+namePath) // and again only when somebody asks again
}

func TestIMDSv1OnlyWhereTheCallerAllowsIt(t *testing.T) {
	bareEnvironment(t)
	server := newFakeIMDS(t, map[string]http.HandlerFunc{
		tokenPath: http.NotFound,
		namePath:  answerWith(200, "us-east-1a"),
		idPath:    answerWith(200, "use1-az6"),
		macPath:   http.NotFound,
	})
	if z, err := patientIMDS().Zone(t.Context()); err == nil {
		t.Errorf("without permission: zone %v, want an error", z)
	}
	server.wantAsked(t, "PUT "+tokenPath)
	allow := func(o *imds.Options) { o.EnableFallback = aws.TrueTernary }
	if z, err := patientIMDS(allow).Zone(t.Context()); err != nil || z.Name != "us-east-1a" {
		t.Errorf("with permission: zone %v, %v; want us-east-1a", z, err)
	}
	server.wantAsked(t, "PUT "+tokenPath, "GET "+namePath, "GET "+idPath, "GET "+macPath)
}

func TestIMDSTimesOut(t *testing.T) {
	bareEnvironment(t)
	const want = "IMDS timed out: in a container, raise the instance's metadata hop limit to 2, or set AZAFFINITY_ZONE"
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+dead(t))
	got, err := Ask(t.Context(), imdsSource(config{timeout: 20 * time.Millisecond}, nil))
	wantAnswer(t, got, err, Answer{Source: "imds"}, want)

	// A body that never ends is past the header's deadline.
	newFakeIMDS(t, map[string]http.HandlerFunc{namePath: func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}})
	got, err = Ask(t.Context(), imdsSource(config{timeout: 100 * time.Millisecond}, nil))
	wantAnswer(t, got, err, Answer{Source: "imds"}, want)
}

func TestIMDSEndsWithTheCallersContext(t *testing.T) {
	bareEnvironment(t)
	ctx, cancel := context.WithCancel(t.Context())
	newFakeIMDS(t, map[string]http.HandlerFunc{namePath: func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}})
	if _, err := Ask(ctx, patientIMDS()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestIMDSThatIsNotThere(t *testing.T) {
	bareEnvironment(t)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+refusing(t))
	got, err := Ask(t.Context(), patientIMDS())
	wantAnswer(t, got, err, Answer{Source: "imds"}, "connection refused; is this an EC2 instance with metadata enabled? If not, set AZAFFINITY_ZONE")

	t.Setenv("AWS_EC2_METADATA_DISABLED", "TRUE")
	got, err = Ask(t.Context(), patientIMDS())
	wantAnswer(t, got, err, Answer{Source: "imds"}, `IMDS: access disabled to EC2 IMDS via client option, or "AWS_EC2_METADATA_DISABLED"`)
}

func TestIMDSOptions(t *testing.T) {
	bareEnvironment(t)
	server := newFakeIMDS(t, nil)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+refusing(t))
	source := patientIMDS(
		nil,
		func(o *imds.Options) { o.Endpoint = server.url },
		func(o *imds.Options) { o.HTTPClient = nil },
	)
	got, err := Ask(t.Context(), source)
	wantAnswer(t, got, err, Answer{Zone: Zone{Name: "us-east-1a", ID: "use1-az6"}, Source: "imds"}, "")

	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6")
	newIMDSClient(time.Second, []func(*imds.Options){func(o *imds.Options) {
		if o.EndpointMode != imds.EndpointModeStateIPv6 {
			t.Errorf("endpoint mode %v, want IPv6", o.EndpointMode)
		}
		if o.EnableFallback != aws.FalseTernary || len(o.APIOptions) != 0 || o.Retryer.MaxAttempts() != 1 {
			t.Errorf("options %+v, want no fallback, no APIOptions, one attempt", o)
		}
	}})
}
