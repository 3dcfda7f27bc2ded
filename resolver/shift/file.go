package shift

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/azaffinity/azaffinity/internal/localfile"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// EnvFile is the environment variable that names a file for [File]. Every resolver heeds it, beside the sources that it
// was given. Unset and empty mean that there is none.
const EnvFile = "AZAFFINITY_SHIFT_FILE"

const (
	// fileRefresh is how often the file is read: an incident counts seconds, and reading a small local file costs a few microseconds.
	fileRefresh = 5 * time.Second
	maxFile     = 64 << 10
)

// File returns a source that reads a file about every five seconds. While there is no file, there is no shift.
//
//   - A file with nothing in it, such as touch makes, shifts everyone who reads it away from their own zone, until it is
//     removed.
//   - A line with a zone's name ("us-east-1a") or ID ("use1-az6") is for those in that zone. There may be one line for each of
//     several zones. IDs mean the same zone in every account.
//   - A time behind the zone, or on a line of its own for everybody's zone, is when the shift ends, in the form of RFC 3339:
//     "use1-az6 2026-11-26T15:00:00Z". Then the file may be forgotten.
//
// A file that has anything else in it, is larger than 64 KiB, isn't a regular one or can't be read is an error, and nothing
// changes until it is right, or gone. Whoever writes zones writes a file beside it first and renames that, since a file
// that is being written is empty for a moment; a pipeline that has no zone to write removes the file.
func File(path string) Source { return file(path) }

type file string

func (f file) Shifts(context.Context) ([]Shift, error) {
	content, err := localfile.Read(string(f), maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("shift: %w", err)
	}
	shifts, err := parse(string(content))
	if err != nil {
		return nil, fmt.Errorf("shift: %s: %w", string(f), err)
	}
	return shifts, nil
}

func (f file) Answer(ctx context.Context, _ bool) (Answer, error) {
	shifts, err := f.Shifts(ctx)
	refresh := fileRefresh - fileRefresh/10 + rand.N(fileRefresh/5)
	return Answer{Shifts: shifts, Source: "file " + string(f), Until: time.Now().Add(refresh)}, err
}

func parse(content string) (shifts []Shift, err error) {
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(content, "\ufeff")) { // which editors on Windows begin files with
		number++
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		s, err := parseLine(words)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		shifts = append(shifts, s)
	}
	if shifts == nil {
		return []Shift{{}}, nil
	}
	return shifts, nil
}

// parseLine reads a zone, a time, or both.
func parseLine(words []string) (s Shift, err error) {
	if until, err := time.Parse(time.RFC3339, words[len(words)-1]); err == nil {
		s.Until, words = until, words[:len(words)-1]
	}
	switch {
	case len(words) == 0:
		return s, nil
	case len(words) == 1:
		s.Zone, err = zone.Parse(words[0])
	case len(words) > 1:
		err = fmt.Errorf("%.64q is more than a zone and a time", strings.Join(words, " "))
	}
	if err != nil {
		return Shift{}, fmt.Errorf("%w: want a zone, then maybe a time such as 2026-11-26T15:00:00Z", err)
	}
	return s, nil
}
