package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Given what cdk/app.ts needs ("npm ci" in cdk), when it is synthesized, then template.json comes out, which the other
// tests are about.
func TestCDK(t *testing.T) {
	if _, err := os.Stat("cdk/node_modules"); err != nil {
		t.Skip("npm ci in examples/deploy/cdk brings what this takes")
	}
	build := t.TempDir()
	if err := os.Symlink(absolute(t, "cdk/node_modules"), filepath.Join(build, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{absolute(t, "cdk/node_modules/.bin/tsc"), "--project", absolute(t, "cdk"), "--outDir", build},
		{"node", filepath.Join(build, "app.js"), filepath.Join(build, "out")},
	} {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = build
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command[0], err, out)
		}
	}
	got, err := os.ReadFile(filepath.Join(build, "out", "Shop.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("cdk/template.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("cdk/template.json is not what comes out: run npm run synth\n%s", got)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
