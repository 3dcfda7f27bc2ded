package dialer_test

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil { // most of them wait: for a kernel's timers, and for what comes every ten seconds
		panic(err)
	}
	os.Exit(m.Run())
}

// long is of tests that wait for more than five seconds, and are left out by -short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long")
	}
}
