package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	n := flag.Int("n", 300, "mutants to sample")
	seed := flag.Uint64("seed", 1, "the sample: the same seed and tree give the same")
	packages := flag.String("packages", "./middleware/...,./resolver/...,./resolver/discovery/...", "what to mutate, as go list takes it, with commas")
	files := flag.String("files", "", "only files whose names are listed here, with commas")
	box := flag.Duration("time", 4*time.Hour, "when to stop")
	timeout := flag.Duration("timeout", 3*time.Minute, "when tests of one package are taken to hang")
	own := flag.Bool("own", false, "run only the package's own tests: quick, but what survives may be killed by others'")
	out := flag.String("json", "", "file for all results")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *box)
	defer cancel()
	results, err := run(ctx, options{*n, *seed, split(*packages), split(*files), *timeout, *own})
	if err == nil && *out != "" {
		err = writeJSON(*out, results)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if !report(os.Stdout, results) {
		os.Exit(1)
	}
}

type options struct {
	n        int
	seed     uint64
	packages []string
	files    []string
	timeout  time.Duration
	own      bool
}

// run tries a sample of mutants until ctx ends.
func run(ctx context.Context, o options) ([]result, error) {
	root, err := workspace(ctx)
	if err != nil {
		return nil, err
	}
	all, err := list(ctx, root, o.packages, o.files)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	r := &runner{root, scratch, o.timeout, o.own}
	drawn := sample(all, o.n, o.seed)
	fmt.Fprintf(os.Stderr, "%d of %d mutants\n", len(drawn), len(all))
	if err := r.unchanged(ctx, drawn); err != nil {
		return nil, err
	}
	return r.tryAll(ctx, drawn)
}

// unchanged returns an error if tests fail, or don't build, before anything was changed.
func (r *runner) unchanged(ctx context.Context, drawn []mutant) error {
	seen := map[suite]bool{}
	for _, m := range drawn {
		same := mutant{File: m.File}
		overlay, err := r.overlay(&same)
		if err != nil {
			return err
		}
		for _, s := range r.suites(m.Package) {
			if seen[s] {
				continue
			}
			seen[s] = true
			if by, err := r.test(ctx, s, overlay); err != nil || by != "" {
				return fmt.Errorf("%s without any change: %s %w", s.dir, by, errors.Join(err, ctx.Err()))
			}
		}
	}
	return nil
}

func (r *runner) tryAll(ctx context.Context, drawn []mutant) ([]result, error) {
	same, err := equivalents()
	if err != nil {
		return nil, err
	}
	var results []result
	for _, m := range drawn {
		done := result{mutant: m, Fate: equivalent, By: same[m.String()]}
		if done.By == "" {
			done.Fate, done.By, err = r.try(ctx, &m)
		}
		if ctx.Err() != nil {
			return results, nil // The time is up: this one doesn't count.
		}
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "%-13s %s: %s\n", done.Fate, m.String(), done.By)
		results = append(results, done)
	}
	return results, nil
}

// workspace returns the directory of go.work.
func workspace(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOWORK").Output()
	path := strings.TrimSpace(string(out))
	if err == nil && !filepath.IsAbs(path) {
		err = errors.New("run it inside the workspace")
	}
	return filepath.Dir(path), err
}

// list returns all mutants of the packages: of the files named, if there are any.
func list(ctx context.Context, root string, packages, files []string) ([]mutant, error) {
	args := append([]string{"list", "-f", "{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}\n{{end}}"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	only := map[string]bool{}
	for _, f := range files {
		only[f] = true
	}
	var all []mutant
	for _, path := range strings.Fields(string(out)) {
		if len(only) > 0 && !only[filepath.Base(path)] {
			continue
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return nil, err
		}
		name = filepath.ToSlash(name)
		found, err := candidates(filepath.ToSlash(filepath.Dir(name)), name, path)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// sample draws n of all, without putting any back.
func sample(all []mutant, n int, seed uint64) []mutant {
	drawn := append([]mutant(nil), all...)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn[:min(n, len(drawn))]
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}
