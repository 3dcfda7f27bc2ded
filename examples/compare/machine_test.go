package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The test binary has no commit in it, as what go run builds has none.
func TestCheckedOut(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv(requireAll) == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	if got := checkedOut(); got != "" {
		t.Errorf("outside of any repository: got %q, want nothing", got)
	}
	for _, args := range [][]string{
		{"init", "-q"},
		{"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "first"},
	} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	hash := regexp.MustCompile(`^[0-9a-f]{7,}$`)
	if got := checkedOut(); !hash.MatchString(got) {
		t.Errorf("got %q, want a commit", got)
	}
	if err := os.WriteFile("new", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "add", "new").CombinedOutput(); err != nil {
		t.Fatalf("git add: %v: %s", err, out)
	}
	if got := checkedOut(); !regexp.MustCompile(`^[0-9a-f]{7,} with changes$`).MatchString(got) {
		t.Errorf("after a change: got %q, want that said", got)
	}
}
