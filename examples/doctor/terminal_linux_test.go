package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// terminal opens one, and returns it with what will have been written to it.
func terminal(t *testing.T) (tty *os.File, written func() string) {
	t.Helper()
	missing := t.Skipf
	if os.Getenv(requireAll) == "1" {
		missing = t.Fatalf
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		missing("no terminal can be made here: %v", err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120})
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		missing("no terminal can be made here: %v", err)
	}
	content := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(master) // ends with EIO when the last writer is gone
		content <- string(all)
	}()
	t.Cleanup(func() { _ = master.Close() })
	return tty, func() string {
		_ = tty.Close()
		select {
		case s := <-content:
			return s
		case <-time.After(30 * time.Second):
			t.Fatal("the terminal does not end")
			return ""
		}
	}
}

// On a terminal, and only there, are colours, unless they aren't wanted, and a line that tells how far it is.
func TestOnATerminal(t *testing.T) {
	l, n := startLab(t, lab.Options{})
	args := fromFile(t, l, home)
	for _, test := range []struct {
		noColor string
		colour  bool
	}{{"", true}, {"1", false}} {
		t.Setenv("NO_COLOR", test.noColor)
		stdout, out := terminal(t)
		stderr, errs := terminal(t)
		code := runIn(t.Context(), n, args, stdout, stderr)
		page, line := out(), errs()
		if code != exitFine || !strings.Contains(page, "All is well") || strings.Contains(page, "\x1b[") != test.colour {
			t.Errorf("NO_COLOR=%q: got exit code %d and %q, want 0 and colours: %v", test.noColor, code, page, test.colour)
		}
		if !strings.Contains(line, "examining endpoints") || strings.Contains(line, "\n") {
			t.Errorf("NO_COLOR=%q: got %q on stderr, want one line of progress", test.noColor, line)
		}
		if page := strings.TrimSpace(page); strings.Contains(page, "examining") {
			t.Errorf("the report has the progress in it: %q", page)
		}
	}
}
