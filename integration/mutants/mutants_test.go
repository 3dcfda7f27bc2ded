package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const source = `package p

import "errors"

func Less(a, b int) (bool, error) {
	if a < b && b > 0 {
		return true, nil
	}
	return false, errors.New("no")
}
`

// Given a function with a condition and returns, when its mutants are listed, then they are these and no others.
func TestFind(t *testing.T) {
	found, err := find("p", "p/p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		got = append(got, m.String())
	}
	want := []string{
		"p/p.go Less: a < b && b > 0 => !(a < b && b > 0)",
		"p/p.go Less: a < b && b > 0 => a < b || b > 0",
		"p/p.go Less: a < b => a <= b",
		"p/p.go Less: b > 0 => b >= 0",
		"p/p.go Less: 0 => (0 + 1)",
		"p/p.go Less: return true, nil => ",
		"p/p.go Less: true => *new(bool)",
		`p/p.go Less: return false, errors.New("no") => `,
		`p/p.go Less: errors.New("no") => *new(error)`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Given a return of what is zero, when its mutants are listed, then none makes it zero.
func TestFindOfZero(t *testing.T) {
	found, err := find("p", "p/p.go", []byte("package p\n\nfunc zero() (T, string, error) { return T{}, \"\", nil }\n"))
	if err != nil || len(found) != 1 || found[0].Is != "" {
		t.Errorf("%+v, %v, want one that leaves the return out", found, err)
	}
}

// Given the same seed, when a sample is drawn twice, then it is the same; with another seed, it is another. None is drawn twice.
func TestSample(t *testing.T) {
	var all []mutant
	for line := range 100 {
		all = append(all, mutant{Line: line})
	}
	first := sample(all, 20, 1)
	if !slices.Equal(first, sample(all, 20, 1)) || slices.Equal(first, sample(all, 20, 2)) {
		t.Error("the sample doesn't follow the seed")
	}
	seen := map[int]bool{}
	for _, m := range sample(all, 1000, 1) {
		seen[m.Line] = true
	}
	if len(seen) != 100 {
		t.Errorf("a sample of more than there are has %d of 100", len(seen))
	}
}

// Given a package with a test of one of its results, when its mutants are tried, then one is killed, one survives, one doesn't build, and the file is as it was.
func TestTry(t *testing.T) {
	root := t.TempDir()
	t.Setenv("GOWORK", "off")
	write(t, root, "go.mod", "module example.com/p\n\ngo 1.26\n")
	write(t, root, "p/p.go", source)
	write(t, root, "p/p_test.go", `package p

import "testing"

func TestLess(t *testing.T) {
	if less, _ := Less(1, 2); !less {
		t.Error("1 isn't less than 2")
	}
}
`)
	found, err := find("p", "p/p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{root, t.TempDir(), time.Minute, true}
	for mutant, want := range map[int]string{0: killed, 2: survived, 7: unbuilt} {
		fate, by, err := r.try(t.Context(), &found[mutant])
		if err != nil || fate != want {
			t.Errorf("%s: %s by %q, %v, want %s", found[mutant].String(), fate, by, err, want)
		}
	}
	if after, err := os.ReadFile(filepath.Join(root, "p/p.go")); err != nil || string(after) != source {
		t.Errorf("the source was changed: %v", err)
	}
}

// Given that the time is up, when a mutant is tried, then it has no fate.
func TestTimeIsUp(t *testing.T) {
	root := t.TempDir()
	write(t, root, "p/p.go", source)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &runner{root, t.TempDir(), time.Minute, true}
	if fate, _, err := r.try(ctx, &mutant{Package: "p", File: "p/p.go"}); fate != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", fate, err)
	}
}

// Given results, when they are reported, then those that don't count leave the share as it is, and survivors are named.
func TestReport(t *testing.T) {
	results := []result{{Fate: unbuilt}, {Fate: equivalent}}
	for range 19 {
		results = append(results, result{Fate: killed})
	}
	results = append(results, result{mutant{File: "p.go", Func: "F", Line: 7, Was: "a", Is: "b"}, survived, ""})
	var out bytes.Buffer
	if !report(&out, results) {
		t.Error("19 of 20 aren't enough")
	}
	if want := "survived: line 7 of p.go F: a => b"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, &out)
	}
	if report(&out, slices.Delete(results, 2, 3)) {
		t.Error("18 of 19 are enough")
	}
}

// Given the list of equivalent mutants, when it is read, then each line names a mutant that there is, and a reason; a line without one is an error.
func TestEquivalents(t *testing.T) {
	reasons, err := equivalents()
	if err != nil {
		t.Fatal(err)
	}
	for key := range reasons {
		name, _, _ := strings.Cut(key, " ")
		all, err := candidates(filepath.Dir(name), name, filepath.Join("../..", name))
		if err != nil || !slices.ContainsFunc(all, func(m mutant) bool { return m.String() == key }) {
			t.Errorf("no such mutant: %s: %v", key, err)
		}
	}
	if _, err := parseEquivalents("p.go F: a => b // \n"); err == nil {
		t.Error("no reason is reason enough")
	}
}

// Given the suites by package, when they are looked for, then each has tests.
func TestFollowers(t *testing.T) {
	for _, suites := range followers {
		for _, s := range suites {
			if tests, _ := filepath.Glob(filepath.Join("../..", s.dir, "*_test.go")); len(tests) == 0 {
				t.Errorf("%s has no tests", s.dir)
			}
		}
	}
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
