//go:build unix

package localfile_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/internal/localfile"
)

// Given a pipe that nobody writes to, a link to one, or a socket, when it is read, then that
// is an error at once.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	pipe, link, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "socket")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink(pipe, link)); err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for path, want := range map[string]any{
		pipe: new(*localfile.NotRegularError), link: new(*localfile.NotRegularError), socket: new(*os.PathError),
	} {
		result := make(chan error, 1)
		go func() {
			_, err := localfile.Read(path, 1<<10)
			result <- err
		}()
		select {
		case err := <-result:
			if !errors.As(err, want) {
				t.Errorf("%s: got %v, want a %T", path, err, want)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: still waiting for somebody to write", path)
		}
	}
}
