// Package localfile reads small files whose paths come from configuration, without ever waiting for anybody.
package localfile

import (
	"fmt"
	"io"
	"os"
)

// NotRegularError means that the path leads to a directory, a device or a pipe.
type NotRegularError struct{ Path string }

// Error names the path.
func (e *NotRegularError) Error() string { return e.Path + " is not a regular file" }

// TooLargeError means that the file has more bytes than were asked for.
type TooLargeError struct {
	Path  string
	Limit int64
}

// Error names the path and the limit.
func (e *TooLargeError) Error() string {
	if e.Limit < 1<<20 {
		return fmt.Sprintf("%s is larger than %d KiB", e.Path, e.Limit>>10)
	}
	return fmt.Sprintf("%s is larger than %d MiB", e.Path, e.Limit>>20)
}

// Read returns the content of a regular file of at most limit bytes. Opening a pipe would wait for its writer, so the
// file is opened without waiting, and it is the opened file that is checked: what the path leads to may change between
// a look at it and the opening.
func Read(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &NotRegularError{path}
	case info.Size() > limit:
		return nil, &TooLargeError{path, limit}
	}
	content, err := io.ReadAll(io.LimitReader(f, limit+1)) // the size may be 0 (in /proc), or have grown
	switch {
	case err != nil:
		return nil, err
	case int64(len(content)) > limit:
		return nil, &TooLargeError{path, limit}
	}
	return content, nil
}
