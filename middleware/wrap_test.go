package middleware_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

// environment sets the variables that Wrap reads, and no others of ours.
func environment(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range []string{
		"AZAFFINITY_ZONE", "AZAFFINITY_ENDPOINTS", "AZAFFINITY_ENDPOINTS_FILE", "AZAFFINITY_ZONE_NAMES", "AZAFFINITY_MODE",
		"ECS_CONTAINER_METADATA_URI_V4", "AWS_LAMBDA_METADATA_API", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	} {
		t.Setenv(name, set[name])
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// Given nothing but environment variables, when a config is wrapped, then its
// clients' requests go to the zonal name.
func TestWrapTakesTheEnvironment(t *testing.T) {
	environment(t, map[string]string{"AZAFFINITY_ZONE": "us-east-1a", "AZAFFINITY_ENDPOINTS": regionalHost})
	var cfg aws.Config
	r, err := middleware.Wrap(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	if _, err := s.call(t, nop{}, cfg.APIOptions...); err != nil {
		t.Fatal(err)
	}
	if len(s.signed) != 1 || s.signed[0] != zonalHost {
		t.Errorf("signed for %q, want %q", s.signed, zonalHost)
	}
}

func TestWrapInEachMode(t *testing.T) {
	for mode, want := range map[string]string{"prefer": zonalHost, "observe": serviceHost, "off": serviceHost} {
		environment(t, map[string]string{"AZAFFINITY_ZONE": "us-east-1a", "AZAFFINITY_ENDPOINTS": regionalHost, "AZAFFINITY_MODE": mode})
		var cfg aws.Config
		r, err := middleware.Wrap(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		s := stack{url: "https://" + serviceHost, signing: "Signing"}
		metadata, err := s.call(t, nop{}, cfg.APIOptions...)
		if err != nil {
			t.Fatal(err)
		}
		route, _ := middleware.RouteFrom(metadata)
		if len(s.signed) != 1 || s.signed[0] != want || route.Host != want {
			t.Errorf("%s: signed for %q, route to %q; want %q", mode, s.signed, route.Host, want)
		}
		if mode == "observe" && (route.Observed != zonalHost || route.Reason != resolver.InZone) {
			t.Errorf("observe: got %+v, want what prefer would have done", route)
		}
	}
}

// Given an environment with something wrong in it, when a config is wrapped, then
// the error names the variable and the value, and the config is as it was.
func TestWrapRefusesBadInput(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "endpoints.json")
	if err := os.WriteFile(broken, []byte(`{"VpcEndpoints": [{`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		set   map[string]string
		wants []string
	}{
		{"a zone with a slash", map[string]string{"AZAFFINITY_ZONE": "us-east-1a/x"}, []string{"AZAFFINITY_ZONE", "us-east-1a/x"}},
		{"a zone with a dot", map[string]string{"AZAFFINITY_ZONE": "evil.example.com"}, []string{"AZAFFINITY_ZONE", "evil.example.com"}},
		{"somebody else's host", map[string]string{"AZAFFINITY_ENDPOINTS": "evil.example.com"}, []string{"AZAFFINITY_ENDPOINTS", "evil.example.com"}},
		{"a file that isn't there", map[string]string{"AZAFFINITY_ENDPOINTS_FILE": broken + "x"}, []string{"AZAFFINITY_ENDPOINTS_FILE", broken + "x"}},
		{"a file that ends early", map[string]string{"AZAFFINITY_ENDPOINTS_FILE": broken}, []string{"AZAFFINITY_ENDPOINTS_FILE", broken}},
		{"zone names that aren't", map[string]string{"AZAFFINITY_ZONE_NAMES": "use1-az6"}, []string{"AZAFFINITY_ZONE_NAMES", "use1-az6"}},
		{"a mode that isn't one", map[string]string{"AZAFFINITY_MODE": "on"}, []string{"AZAFFINITY_MODE", `"on"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			environment(t, tt.set)
			var cfg aws.Config
			r, err := middleware.Wrap(&cfg)
			if err == nil {
				r.Close()
				t.Fatal("got no error")
			}
			for _, want := range tt.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %s", err, want)
				}
			}
			if len(cfg.APIOptions) != 0 {
				t.Error("the config was changed")
			}
		})
	}
	if _, err := middleware.Wrap(nil); err == nil {
		t.Error("got no error for no config")
	}
}
