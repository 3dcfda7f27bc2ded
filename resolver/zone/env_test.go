package zone

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bareEnvironment hides whatever the machine that runs the tests says about itself.
func bareEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AZAFFINITY_ZONE", "ECS_CONTAINER_METADATA_URI_V4", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_EXECUTION_ENV", "AWS_EC2_METADATA_DISABLED",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	} {
		t.Setenv(name, "")
	}
}

func TestEnv(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        Zone
		inError     string
	}{
		{"a name", "us-east-1a", Zone{Name: "us-east-1a"}, ""},
		{"an ID", "use1-az6", Zone{ID: "use1-az6"}, ""},
		{"space around it", " us-east-1a\n", Zone{Name: "us-east-1a"}, ""},
		{"not set", "", Zone{}, "AZAFFINITY_ZONE is not set: set it to"},
		{"blank", " ", Zone{}, "AZAFFINITY_ZONE is not set: set it to"},
		{"a host", "evil.example.com", Zone{}, `AZAFFINITY_ZONE: "evil.example.com" is neither`},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			source := Env()
			t.Setenv("AZAFFINITY_ZONE", c.value) // later than Env: it is read at each ask
			got, err := Ask(t.Context(), source)
			wantAnswer(t, got, err, Answer{Zone: c.want, Source: "env"}, c.inError)
		})
	}
}

func TestKubernetes(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       Zone
		inError    string
	}{
		{
			"all labels", "app=\"shop\"\ntopology.kubernetes.io/region=\"us-east-1\"\ntopology.kubernetes.io/zone=\"us-east-1a\"\n",
			Zone{Name: "us-east-1a"},
			"",
		},
		{
			"the ID as well", "topology.k8s.aws/zone-id=\"use1-az6\"\ntopology.kubernetes.io/zone=\"us-east-1a\"",
			Zone{Name: "us-east-1a", ID: "use1-az6"},
			"",
		},
		{"without quotes", "topology.kubernetes.io/zone=us-east-1a\r\n", Zone{Name: "us-east-1a"}, ""},
		{"the bare value", "us-east-1a", Zone{Name: "us-east-1a"}, ""},
		{"a bare ID", "use1-az6\n", Zone{ID: "use1-az6"}, ""},
		{"an empty file", "", Zone{}, "no label topology.kubernetes.io/zone"},
		{"other labels only", "app=\"shop\"\n", Zone{}, "no label topology.kubernetes.io/zone"},
		{"a zone of kind's", "topology.kubernetes.io/zone=\"zone-a\"", Zone{}, `"zone-a" is not a zone name`},
		{"a bare value of something else", "<html>", Zone{}, `"<html>" is neither`},
		{"an ID for a name", "topology.kubernetes.io/zone=\"use1-az6\"", Zone{}, `"use1-az6" is not a zone name`},
		{"too large", strings.Repeat("x=\"y\"\n", 20000), Zone{}, "larger than 64 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "labels")
			if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Ask(t.Context(), Kubernetes(path))
			wantAnswer(t, got, err, Answer{Zone: c.want, Source: "kubernetes"}, c.inError)
		})
	}
}

func TestKubernetesReadsTheFileAtEachAsk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zone")
	source := Kubernetes(path)
	if _, err := source.Zone(t.Context()); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("without the file: error %v, want one that names it", err)
	}
	for _, want := range []string{"us-east-1a", "us-east-1b"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := source.Zone(t.Context()); err != nil || got.Name != want {
			t.Errorf("zone %v, %v; want %s", got, err, want)
		}
	}
}

func FuzzLabels(f *testing.F) {
	f.Add([]byte("topology.kubernetes.io/zone=\"us-east-1a\"\n"))
	f.Add([]byte("use1-az6"))
	f.Add([]byte("topology.k8s.aws/zone-id=\"\\x41\"\n="))
	f.Fuzz(func(t *testing.T, body []byte) {
		if z, err := parseLabels(body); err == nil && z.Validate() != nil {
			t.Errorf("parseLabels(%q) = %+v: %v", body, z, z.Validate())
		}
	})
}
