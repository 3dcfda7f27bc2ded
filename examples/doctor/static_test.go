package main

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Given no C compiler, when the doctor is built, then it is one static file, which runs wherever it is copied to.
func TestStatic(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "doctor")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("got a %v segment, want none: it needs a loader", p.Type)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	elsewhere := exec.CommandContext(t.Context(), binary, "-h")
	elsewhere.Dir, elsewhere.Env = t.TempDir(), []string{}
	if out, err := elsewhere.CombinedOutput(); err != nil || string(out) != help {
		t.Errorf("copied elsewhere: got %v and %q, want the help", err, out)
	}
}

// go install PATH@VERSION refuses a module whose go.mod has replace or exclude in it.
func TestInstallable(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", "../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Module           struct{ Path string }
		Replace, Exclude []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(mod.Module.Path, "/examples") || len(mod.Replace)+len(mod.Exclude) > 0 {
		t.Errorf("got %+v, want this module without replacements", mod)
	}
}
