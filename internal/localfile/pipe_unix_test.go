//go:build unix

package localfile_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/internal/localfile"
)

// Given a pipe that nobody writes to, when it is read, then that is an error at once.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := localfile.Read(path, 1<<10)
		result <- err
	}()
	select {
	case err := <-result:
		var irregular *localfile.NotRegularError
		if !errors.As(err, &irregular) {
			t.Errorf("got %v, want that it is not a regular file", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("still waiting for somebody to write")
	}
}
