package discovery

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	tokenPath = "/latest/api/token"
	macPath   = "/latest/meta-data/mac"
	vpcPath   = "/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/vpc-id"
)

// newFakeIMDS is IMDSv2, as far as a VPC needs it.
func newFakeIMDS(t *testing.T, instead map[string]http.HandlerFunc) (asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		answers := map[string]string{macPath: "0e:49:61:0f:c3:11", vpcPath: vpc}
		switch h := instead[r.URL.Path]; {
		case h != nil:
			h(w, r)
		case r.URL.Path == tokenPath && r.Method == http.MethodPut:
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
			io.WriteString(w, "token")
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "token":
			w.WriteHeader(http.StatusUnauthorized)
		case answers[r.URL.Path] == "":
			w.WriteHeader(http.StatusNotFound)
		default:
			io.WriteString(w, answers[r.URL.Path])
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(paths)
	}
}

// Given no VPC, when asked, then instance metadata names it: once, and not
// through anything that the config brings along.
func TestVPCFromIMDS(t *testing.T) {
	asked := newFakeIMDS(t, nil)
	f := newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"))
	cfg := f.config()
	r, err := resolver.New()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	middleware.Append(&cfg.APIOptions, r)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	byClient, err := NewFromClient(newClient(cfg))
	if err != nil {
		t.Fatal(err)
	}
	before := len(asked()) // the resolver looks for its zone there, too
	for _, s := range []*Source{s, s, byClient} {
		if cat, err := s.Endpoints(t.Context()); err != nil || len(cat.Endpoints) != 1 {
			t.Errorf("got %+v, %v", cat, err)
		}
	}
	got := slices.DeleteFunc(asked()[before:], func(p string) bool { return p != vpcPath })
	if len(got) != 2 {
		t.Errorf("asked for the VPC %d times, want once for each of the two sources", len(got))
	}
}

// Given the drop-in on an EC2 instance, then requests are kept in its zone.
func TestDropIn(t *testing.T) {
	newFakeIMDS(t, map[string]http.HandlerFunc{
		"/latest/meta-data/placement/availability-zone":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "us-east-1a") },
		"/latest/meta-data/placement/availability-zone-id": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "use1-az6") },
	})
	// The endpoint's owner calls use1-az6 by another letter than the instance.
	cfg := newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs")).config()

	src, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithEndpoints(src), resolver.WithZone(zone.IMDS())))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := r.Resolve(sqsHost).Host, "vpce-0aaaaaaaaaaaaaaa1-lj2wisx3-us-east-1b.sqs.us-east-1.vpce.amazonaws.com"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNoVPCFromIMDS(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	say := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, tt := range []struct {
		name    string
		instead map[string]http.HandlerFunc
		want    string
	}{
		{"switched off", map[string]http.HandlerFunc{tokenPath: status(http.StatusForbidden)}, "403"},
		{"IMDSv1 only", map[string]http.HandlerFunc{tokenPath: status(http.StatusNotFound)}, ""},
		{"a hop limit of 1", map[string]http.HandlerFunc{tokenPath: silent}, "hop limit"},
		{"a path in place of the MAC address", map[string]http.HandlerFunc{macPath: say("../../user-data")}, "not a MAC address"},
		{"no VPC", map[string]http.HandlerFunc{vpcPath: status(http.StatusNotFound)}, "404"},
		{"not a VPC's id", map[string]http.HandlerFunc{vpcPath: say("vpc-0A1B, vpc-2")}, "not the id of a VPC"},
		{"a huge answer", map[string]http.HandlerFunc{vpcPath: say("vpc-" + strings.Repeat("0", 1<<20))}, "not the id of a VPC"},
		{"a redirect", map[string]http.HandlerFunc{macPath: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, vpcPath, http.StatusFound)
		}}, "302"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			newFakeIMDS(t, tt.instead)
			f := newFakeEC2(t)
			s, err := New(f.config())
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Endpoints(t.Context())
			if err == nil || !strings.Contains(err.Error(), "WithVPC") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say WithVPC and %q", err, tt.want)
			}
			if n := len(f.calls("DescribeVpcEndpoints")); n > 0 {
				t.Errorf("asked EC2 %d times for the endpoints of no VPC", n)
			}
		})
	}
	t.Run("disabled", func(t *testing.T) {
		asked := newFakeIMDS(t, nil)
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		s, err := New(aws.Config{Region: "us-east-1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Endpoints(t.Context()); err == nil || len(asked()) > 0 {
			t.Errorf("got %v and %v, want an error and no request", err, asked())
		}
	})
}
