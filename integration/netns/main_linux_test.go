package netns

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

const (
	requireAll = "AZAFFINITY_REQUIRE_ALL"
	inside     = "AZAFFINITY_TEST_NETNS" // set in the process that runs in namespaces of its own
)

var (
	vpc     *network // what the tests run in; nil if they can't
	missing error    // why they can't
)

// TestMain runs the binary again, in new namespaces, if that is possible, and the tests there.
func TestMain(m *testing.M) {
	if os.Getenv(inside) == "" {
		missing = again() // if it succeeds, nobody comes back
		os.Exit(m.Run())
	}
	for _, entry := range os.Environ() { // what the machine says about AWS, proxies and zones is not for these tests
		name, _, _ := strings.Cut(entry, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "AWS_") || strings.HasSuffix(upper, "_PROXY") || strings.HasPrefix(upper, "AZAFFINITY_") && name != requireAll {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	flag.Parse()
	_ = flag.Set("test.parallel", strconv.Itoa(len(operations))) // they wait more than they work, however few processors there are
	goleak.VerifyTestMain(program{m})
}

// again replaces this process by one that runs the tests in new namespaces.
func again() error {
	unshare, err := findUnshare()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	line := append(unshare, "--", self)
	return syscall.Exec(line[0], append(line, os.Args[1:]...), append(os.Environ(), inside+"=1"))
}

// program is all the tests and what they run in.
type program struct{ *testing.M }

func (p program) Run() int {
	dir, err := os.MkdirTemp("", "azaffinity-netns-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	vpc, missing = newNetwork(dir)
	if vpc != nil {
		defer vpc.close()
	}
	return p.M.Run()
}

// need returns the network, or ends the test.
func need(t *testing.T) *network {
	t.Helper()
	switch {
	case missing == nil:
	case os.Getenv(requireAll) == "1":
		t.Fatalf("%v (%s=1: a test that can't run is a failure)", missing, requireAll)
	default:
		t.Skip(missing)
	}
	return vpc
}
