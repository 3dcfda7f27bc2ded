package anyclient_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const requireAll = "AZAFFINITY_REQUIRE_ALL"

// TestMain takes away what the machine's own environment says, and the examples that it lacks something for.
func TestMain(m *testing.M) {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		for _, prefix := range []string{"AWS_", "AZAFFINITY_", "PG"} {
			if strings.HasPrefix(name, prefix) && name != requireAll {
				_ = os.Unsetenv(name)
			}
		}
	}
	flag.Parse()
	if tests, err := missing(); err != nil && os.Getenv(requireAll) != "1" {
		fmt.Fprintf(os.Stderr, "without tests named %s: %v\n", tests, err)
		_ = flag.Set("test.skip", tests)
	}
	os.Exit(m.Run())
}

// missing is what this machine lacks, and for which tests.
func missing() (tests string, err error) {
	ln, err := net.Listen("tcp4", "127.255.255.1:443")
	if err != nil {
		return ".", err // clients of AWS connect to port 443
	}
	_ = ln.Close()
	for _, program := range []string{"setpriv", "initdb", "redis-server"} {
		if _, err := find(program); err != nil {
			return "^(Example_postgres|Example_redis)$|^TestZone/^(pgx|go-redis)$", err
		}
	}
	return "", nil
}

var clients = map[string]client{
	"presigned URL": presignedURL, "transfer manager": transfer, "registry": pull, "private API": privateAPI, "SDK v1": sdkV1,
	"gRPC": grpcHealth, "pgx": postgres, "go-redis": cache,
}

// Given each client at work in its zone, when the zone's endpoints go down, then no call fails, and they arrive in other zones.
func TestZoneGoes(t *testing.T) {
	for name, c := range clients {
		t.Run(name, func(t *testing.T) {
			v := meet(t, c, lab.Refuse)
			for _, service := range v.services {
				if counts, of := v.arrived(service); counts[home.Name] != 0 || shares(counts, of) == "" {
					t.Errorf("%s: got %s, want all in other zones", service, shares(counts, of))
				}
			}
		})
	}
}

// Given each client at work in its zone, when endpoints there answer nobody who wants to connect, then no call fails: each has a connection, or makes one
// elsewhere.
func TestZoneTakesNoConnections(t *testing.T) {
	for name, c := range clients {
		t.Run(name, func(t *testing.T) { meet(t, c, lab.DropSYN) })
	}
}

// meet has a client work in its zone, and then with the fault there. What arrived since then is counted.
func meet(t *testing.T, c client, fault lab.Fault) *vpc {
	t.Helper()
	v, err := start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.end)
	call, err := c.connect(v)
	if err != nil {
		t.Fatal(err)
	}
	calls := func(when string) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for i := range 5 {
			if err := call(ctx); err != nil {
				t.Errorf("%s, call %d: %v", when, i+1, err)
			}
		}
	}
	calls("the zone is well")
	for _, service := range v.services {
		counts, of := v.arrived(service)
		if at := counts[home.Name]; at == 0 || shares(counts, of) != shares(map[string]int{home.Name: at}, of) {
			t.Errorf("%s: got %s, want all in zone b", service, shares(counts, of))
		}
	}
	v.ResetRequests()
	if err := v.Fault(home.Name, fault); err != nil {
		t.Fatal(err)
	}
	calls(fmt.Sprintf("fault %q", fault))
	return v
}
