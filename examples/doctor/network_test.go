package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// The SDK trusts AWS_CA_BUNDLE, so the doctor does.
func TestCABundle(t *testing.T) {
	const want = "AWS_CA_BUNDLE: "
	for name, content := range map[string]string{"missing": "", "not a certificate": "hello"} {
		path := filepath.Join(t.TempDir(), "ca.pem")
		if content != "" {
			path = write(t, []byte(content))
		}
		t.Setenv("AWS_CA_BUNDLE", path)
		if _, err := machine(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, want)
		}
	}
	_ = os.Unsetenv("AWS_CA_BUNDLE")
	if n, err := machine(); err != nil || n.roots != nil {
		t.Errorf("without: got %v, %v; want the system's roots", n, err)
	}
}

// Addresses come in order, and IPv4's are not in IPv6's form, in which they would differ from those that were listed.
func TestLookup(t *testing.T) {
	t.Parallel()
	l, n := startLab(t, lab.Options{})
	addrs, err := n.lookup(t.Context(), l.RegionalName("sqs"))
	if err != nil || len(addrs) != 3 || !addrs[0].Is4() || addrs[0] != l.Address("sqs", home).Addr() {
		t.Errorf("got %v, %v; want three IPv4 addresses in order", addrs, err)
	}
}
