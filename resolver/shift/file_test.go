package shift_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// What may stand in the file, and what may not.
func TestFile(t *testing.T) {
	three := time.Date(2026, time.November, 26, 15, 0, 0, 0, time.UTC)
	east := zone.Zone{Name: "us-east-1a"}
	for _, tt := range []struct {
		name, content string
		want          []shift.Shift
		err           string // "": none
	}{
		{"nothing", "", []shift.Shift{{}}, ""},
		{"an empty line", "\r\n", []shift.Shift{{}}, ""},
		{"a name", "us-east-1a", []shift.Shift{{Zone: east}}, ""},
		{"an ID", "use1-az6\n", []shift.Shift{{Zone: zone.Zone{ID: "use1-az6"}}}, ""},
		{"a zone and a time", "us-east-1a 2026-11-26T15:00:00Z\n", []shift.Shift{{Zone: east, Until: three}}, ""},
		{"a time elsewhere", "\tus-east-1a\t2026-11-26T20:30:00+05:30\n", []shift.Shift{{Zone: east, Until: three}}, ""},
		{"a time alone", "2026-11-26T15:00:00Z", []shift.Shift{{Until: three}}, ""},
		{"several, as Windows writes them", "\ufeffuse1-az6\r\n\r\nus-east-1a 2026-11-26T15:00:00Z\r\n", []shift.Shift{{Zone: zone.Zone{ID: "use1-az6"}}, {Zone: east, Until: three}}, ""},
		{"a Region", "us-east-1", nil, `line 1: "us-east-1" is neither a zone name`},
		{"another time", "us-east-1a\nuse1-az6 15:00", nil, "line 2: "},
		{"a duration", "use1-az6 1h", nil, "want a zone, then maybe a time such as 2026-11-26T15:00:00Z"},
		{"a comment", "# use1-az6", nil, "line 1: "},
		{"a zone that was commented out", "#use1-az6", nil, "line 1: "},
		{"two in a line", "use1-az6 use1-az2", nil, "more than a zone and a time"},
		{"a comma", "use1-az6, use1-az2", nil, "more than a zone and a time"},
		{"capitals", "USE1-AZ6", nil, "neither"},
		{"JSON", `{"items": []}`, nil, "line 1: "},
		{"bytes", "\x00\xff\xfe", nil, "line 1: "},
		{"UTF-16", "\xff\xfeu\x00s\x00", nil, "line 1: "},
		{"too much", strings.Repeat("use1-az6\n", 10_000), nil, "larger than 64 KiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shift")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			got, err := shift.AskNow(t.Context(), shift.File(path))
			equal := func(a, b shift.Shift) bool { return a.Zone == b.Zone && a.Until.Equal(b.Until) }
			if (err == nil) != (tt.err == "") || !slices.EqualFunc(got.Shifts, tt.want, equal) {
				t.Fatalf("got %v, %v, want %v", got.Shifts, err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), path)) {
				t.Errorf("got %q, want it to say %q and which file", err, tt.err)
			}
			if soon := got.Until.Sub(before); soon < 4*time.Second || soon > 7*time.Second || got.Source != "file "+path {
				t.Errorf("got %q, to be asked again in %v, want five seconds, after an error, too", got.Source, soon)
			}
		})
	}
}

// Given no file, then there is no shift. What is there and can't be read says nothing of one.
func TestFileThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	if got, err := shift.AskNow(t.Context(), shift.File(filepath.Join(dir, "shift"))); err != nil || got.Shifts != nil {
		t.Errorf("no file: got %v, %v, want nothing", got.Shifts, err)
	}
	if _, err := shift.AskNow(t.Context(), shift.File(dir)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: got %v, want an error", err)
	}
}

// Whatever is in the file, it is one or the other: an error, or shifts of zones that are zones.
func FuzzFile(f *testing.F) {
	for _, content := range []string{"", "use1-az6", "us-east-1a 2026-11-26T15:00:00Z\n\n2026-11-26T15:00:00+01:00", "# x", "\ufeff\r\n"} {
		f.Add(content)
	}
	path := filepath.Join(f.TempDir(), "shift")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := shift.AskNow(t.Context(), shift.File(path))
		if (err == nil) == (len(got.Shifts) == 0) {
			t.Fatalf("got %v, %v", got.Shifts, err)
		}
		for _, s := range got.Shifts {
			if text := s.Zone.Name + s.Zone.ID; text != "" && !strings.Contains(content, text) {
				t.Errorf("%q is none of the file's", text)
			}
		}
	})
}
