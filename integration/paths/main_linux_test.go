package paths

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	requireAll = "AZAFFINITY_REQUIRE_ALL"
	extent     = "AZAFFINITY_PATHS"       // "long": the rows that take minutes, too
	inside     = "AZAFFINITY_TEST_PATHS"  // set in the process that runs in namespaces of its own
	calling    = "AZAFFINITY_TEST_CALLER" // set in the processes that make the calls
	patience   = time.Minute              // for what takes a moment, on a machine with other things to do
	together   = 64                       // rows at a time: they wait more than they work
)

var missing error // why the tests can't run here

// TestMain runs the binary again, in new namespaces, if that is possible, and the tests there.
func TestMain(m *testing.M) {
	if os.Getenv(calling) != "" {
		serveOrders()
		return
	}
	if os.Getenv(inside) == "" {
		missing = again() // if it succeeds, nobody comes back
		os.Exit(m.Run())
	}
	for _, entry := range os.Environ() { // what the machine says about AWS, proxies and zones is not for these tests
		name, _, _ := strings.Cut(entry, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "AWS_") || strings.HasSuffix(upper, "_PROXY") ||
			strings.HasPrefix(upper, "AZAFFINITY_") && name != requireAll && name != extent {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	flag.Parse()
	_ = flag.Set("test.parallel", fmt.Sprint(together))
	missing = prepare()
	code := m.Run()
	if long() || testing.Verbose() {
		results.print(os.Stdout)
	}
	os.Exit(code)
}

// long reports whether the rows that take minutes are to run.
func long() bool { return os.Getenv(extent) == "long" }

// again replaces this process by one that runs the tests in new namespaces.
func again() error {
	for _, tool := range []string{"unshare", "ip", "nft"} {
		if _, err := lookPath(tool); err != nil {
			return err
		}
	}
	if os.Getuid() != 0 {
		return fmt.Errorf("network namespaces with a firewall of their own need root")
	}
	path, _ := lookPath("unshare")
	line := []string{path, "--net", "--mount"}
	if err := run("", append(line, "--", "true")...); err != nil {
		return fmt.Errorf("no new namespaces here: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	line = append(line, "--", self)
	return syscall.Exec(line[0], append(line, os.Args[1:]...), append(os.Environ(), inside+"=1"))
}

// prepare makes what all sites need.
func prepare() error {
	runDir, err := filepath.EvalSymlinks("/var/run") // what ip writes there is for this process only
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", runDir, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount tmpfs on %s: %w", runDir, err)
	}
	return connect()
}

// need ends the test if it can't run here.
func need(t *testing.T) {
	t.Helper()
	if missing != nil {
		unable(t, missing)
	}
}

// unable ends a test that can't run here.
func unable(t *testing.T, why error) {
	t.Helper()
	if os.Getenv(requireAll) == "1" {
		t.Fatalf("%v (%s=1: a test that can't run is a failure)", why, requireAll)
	}
	t.Skip(why)
}

// lookPath also looks where Debian puts tools that only root has on PATH.
func lookPath(tool string) (string, error) {
	for _, name := range []string{tool, "/usr/sbin/" + tool, "/sbin/" + tool} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing (Debian's packages iproute2, nftables and util-linux have all that is needed)", tool)
}

// run runs a tool to its end, with the input it is to read. What the tool had to say about a failure is in the error.
func run(input string, line ...string) error {
	path, err := lookPath(line[0])
	if err != nil {
		return err
	}
	cmd := exec.Command(path, line[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(line, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
