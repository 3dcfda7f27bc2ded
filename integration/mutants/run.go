package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// followers has the tests that see a package's faults besides its own, by its directory.
var followers = map[string][]suite{
	"resolver":                    {{"middleware", ""}, {"integration/routing", ""}, {"integration/health", ""}},
	"resolver/endpoint":           {{"resolver", ""}, {"integration/routing", ""}},
	"resolver/zone":               {{"resolver", ""}, {"integration/metadata", ""}},
	"middleware":                  {{"integration/failover", "ServerError|Probe"}},
	"middleware/dialer":           {{"middleware", ""}, {"integration/failover", "DeadPath|OneHealth|Stall"}},
	"middleware/internal/verdict": {{"middleware", ""}, {"middleware/dialer", ""}},
}

// A suite is the tests of a directory whose names match run: all of them if that is empty.
type suite struct{ dir, run string }

// suites are the tests to run for a package, its own first.
func (r *runner) suites(pkg string) []suite {
	own := []suite{{pkg, ""}}
	if r.own {
		return own
	}
	return append(own, followers[pkg]...)
}

// What became of a mutant.
const (
	killed     = "killed"
	survived   = "survived"
	unbuilt    = "doesn't build"
	equivalent = "equivalent"
)

var (
	errBuild = errors.New("doesn't build")
	failed   = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
)

// A runner tries mutants of the workspace at root, with its files in scratch.
type runner struct {
	root, scratch string
	timeout       time.Duration // of one suite
	own           bool          // run no tests of other packages
}

// try returns what became of the mutant, and which tests killed it.
func (r *runner) try(ctx context.Context, m *mutant) (fate, by string, err error) {
	overlay, err := r.overlay(m)
	if err != nil {
		return "", "", err
	}
	for _, s := range r.suites(m.Package) {
		by, err := r.test(ctx, s, overlay)
		switch {
		case ctx.Err() != nil:
			return "", "", ctx.Err()
		case errors.Is(err, errBuild):
			return unbuilt, "", nil
		case err != nil:
			return "", "", err
		case by != "":
			return killed, s.dir + " " + by, nil
		}
	}
	return survived, "", nil
}

// overlay writes the mutated file and the list that has the compiler take it for the original.
func (r *runner) overlay(m *mutant) (string, error) {
	path := filepath.Join(r.root, m.File)
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	mutated, list := filepath.Join(r.scratch, "mutated.go"), filepath.Join(r.scratch, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: mutated}})
	if err != nil {
		return "", err
	}
	return list, errors.Join(os.WriteFile(mutated, m.apply(source), 0o600), os.WriteFile(list, replace, 0o600))
}

// test runs the suite and returns what failed: nothing if all passed. A test has to fail twice, since a busy machine fails some of them once.
func (r *runner) test(ctx context.Context, s suite, overlay string) (string, error) {
	binary := filepath.Join(r.scratch, "tests")
	if err := os.RemoveAll(binary); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", binary, "./"+s.dir)
	build.Dir = r.root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", errBuild, out)
	}
	if _, err := os.Stat(binary); errors.Is(err, os.ErrNotExist) {
		return "", nil // It has no tests.
	}
	by := r.execute(ctx, binary, s.dir, s.run)
	if by == "" || by == "panic or timeout" {
		return by, nil
	}
	return r.execute(ctx, binary, s.dir, "^"+by+"$"), nil
}

func (r *runner) execute(ctx context.Context, binary, dir, run string) string {
	ctx, cancel := context.WithTimeout(ctx, r.timeout+10*time.Second) // The tests' own comes first and says where they hang.
	defer cancel()
	tests := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout", r.timeout.String(), "-test.run", run)
	tests.Dir = filepath.Join(r.root, dir)
	tests.WaitDelay = time.Second
	out, err := tests.CombinedOutput()
	if err == nil {
		return ""
	}
	if name := failed.FindSubmatch(out); name != nil {
		return string(name[1])
	}
	return "panic or timeout"
}
