package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing is measured that could not be written: the context has ended, so that whatever begins is interrupted.
func TestOutIsTriedFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, dir := range []string{file, filepath.Join(file, "new")} {
		var stdout, stderr strings.Builder
		if got := run(ctx, []string{"-quick", "-out", dir}, nil, &stdout, &stderr); got != exitFailed {
			t.Errorf("%s: got exit code %d, want %d", dir, got, exitFailed)
		}
		if !strings.Contains(stderr.String(), "-out: ") || stdout.Len() > 0 {
			t.Errorf("%s: got %q and %q, want what is wrong with -out", dir, &stdout, &stderr)
		}
	}
}

func TestWritableLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "one")
	for range 2 { // as what isn't there, and as what is
		if err := writable(dir); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want an empty directory", left, err)
	}
}

// A report that can't be written is printed all the same.
func TestFinish(t *testing.T) {
	report := Report{Plan: "quick", Machine: Machine{CPU: "a processor"}}
	for _, json := range []bool{false, true} {
		for _, blocked := range []bool{false, true} {
			dir := t.TempDir()
			want := exitOK
			if blocked {
				want = exitFailed
				if err := os.Mkdir(filepath.Join(dir, "report.html"), 0o700); err != nil { // where a file is to be
					t.Fatal(err)
				}
			}
			var stdout, stderr strings.Builder
			if got := (flags{json: json, out: dir}).finish(report, &stdout, &stderr); got != want {
				t.Errorf("json: %t, blocked: %t: got exit code %d, want %d", json, blocked, got, want)
			}
			if !strings.Contains(stdout.String(), report.Machine.CPU) {
				t.Errorf("json: %t, blocked: %t: got %q, want the report", json, blocked, &stdout)
			}
			if got := strings.Contains(stderr.String(), "report.html"); got != blocked {
				t.Errorf("json: %t, blocked: %t: got %q on stderr", json, blocked, &stderr)
			}
		}
	}
}
