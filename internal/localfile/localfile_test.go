package localfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/internal/localfile"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, size int64) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Repeat("x", int(size))), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link") // as Kubernetes mounts them
	if err := os.Symlink(write("small", 5), link); err != nil {
		t.Fatal(err)
	}
	var irregular *localfile.NotRegularError
	var large *localfile.TooLargeError
	for _, tt := range []struct {
		name, path string
		want       string
		err        any // for errors.As or errors.Is
		text       string
	}{
		{"a file", write("small", 5), "xxxxx", nil, ""},
		{"a link to one", link, "xxxxx", nil, ""},
		{"nothing in it", write("empty", 0), "", nil, ""},
		{"the limit", write("limit", 1<<10), strings.Repeat("x", 1<<10), nil, ""},
		{"above it", write("above", 1<<10+1), "", &large, "is larger than 1 KiB"},
		{"a directory", dir, "", &irregular, "is not a regular file"},
		{"a device", os.DevNull, "", &irregular, "is not a regular file"},
		{"not there", filepath.Join(dir, "missing"), "", os.ErrNotExist, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := localfile.Read(tt.path, 1<<10)
			switch want := tt.err.(type) {
			case nil:
				if err != nil || string(got) != tt.want {
					t.Errorf("got %d bytes, %v; want %d", len(got), err, len(tt.want))
				}
				return
			case error:
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			default:
				if !errors.As(err, want) {
					t.Errorf("got %v, want a %T", err, want)
				}
			}
			if err != nil && (!strings.Contains(err.Error(), tt.path) || !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("got %q, want it to say %s %s", err, tt.path, tt.text)
			}
			if got != nil {
				t.Errorf("got %d bytes beside the error", len(got))
			}
		})
	}
}
