// Package versions makes whole calls with the oldest SDK that azaffinity supports: ../oldest is a program of its own, since this module requires
// the newest.
package versions

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const (
	home       = "us-east-1a"
	requireAll = "AZAFFINITY_REQUIRE_ALL"
)

// Given a program with the SDK of February 2024, when it makes calls, then they stay in its zone; and when its zone refuses them, then they are
// answered in another.
func TestOldestSDK(t *testing.T) {
	program := filepath.Join(t.TempDir(), "oldest")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir, build.Env = "../oldest", append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := lab.Start(lab.Options{Buckets: []string{"photos"}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Address("sts", home).Port() != 443 {
		if os.Getenv(requireAll) != "" {
			t.Fatal("this process may not listen at port 443, and " + requireAll + " is set")
		}
		t.Skip("a program of its own finds the lab at port 443 only, where this process may not listen: run as root")
	}
	environment := environmentIn(t, l)
	expect := func(want string) {
		t.Helper()
		l.ResetRequests()
		run := exec.CommandContext(t.Context(), program)
		run.Env = environment
		if out, err := run.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("got %v:\n%s\nwant:\n%s", err, out, want)
		}
	}
	expect("sts Zonal InZone\ns3 Zonal InZone\n")
	if got := l.Requests(); got[home] != 2 || got["us-east-1b"]+got["us-east-1c"] != 0 {
		t.Errorf("got requests %v, want 2 in %s", got, home)
	}
	if err := l.Fault(home, lab.Refuse); err != nil {
		t.Fatal(err)
	}
	expect("sts Regional FailedOver\ns3 Regional FailedOver\n")
	if got := l.Requests(); got[home] != 0 || got["us-east-1b"]+got["us-east-1c"] != 2 {
		t.Errorf("got requests %v, want 2 in the other zones", got)
	}
}

// environmentIn is all of the environment that a program in the lab's home zone has.
func environmentIn(t *testing.T, l *lab.Lab) []string {
	t.Helper()
	dir := t.TempDir()
	ca, endpoints := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "endpoints.json")
	for path, content := range map[string][]byte{ca: l.CAPEM(), endpoints: l.DescribeVpcEndpoints()} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	who, err := l.Config().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"LAB_DNS=" + l.DNSAddr(), "AWS_CA_BUNDLE=" + ca, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_ACCESS_KEY_ID=" + who.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + who.SecretAccessKey,
		"AZAFFINITY_ENDPOINTS_FILE=" + endpoints, "AZAFFINITY_ZONE=" + home,
	}
}
