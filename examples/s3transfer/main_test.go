package main

import (
	"bytes"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/examples/internal/inlabtest"
	"github.com/azaffinity/azaffinity/integration/lab"
)

const parts = 4 // of 8 MiB each

// operations counts what was executed, in all zones.
func operations(v *inlab.VPC) map[string]int {
	counts := map[string]int{}
	for _, e := range v.Executions() {
		counts[e.Operation]++
	}
	return counts
}

func wantSame(t *testing.T, path string) {
	t.Helper()
	sent, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path + ".copy")
	if err != nil {
		t.Fatal(err)
	}
	if len(sent) != size || !bytes.Equal(sent, got) {
		t.Errorf("the copy of %d bytes has %d, or others", len(sent), len(got))
	}
}

// Given a zone that is well, when a file goes to S3 and comes back, then every part of it stays in the zone.
func TestStaysInZone(t *testing.T) {
	v := inlabtest.Start(t)
	path, err := random(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	job := transfer{path: path, progress: func(bool, int64, int64) {}}
	if err := job.run(t.Context(), v.Options()...); err != nil {
		t.Fatal(err)
	}
	wantSame(t, path)
	got := operations(v)
	if got["UploadPart"] != parts || got["GetObject"] != parts {
		t.Errorf("got %v, want %d parts each way", got, parts)
	}
	all := 0
	for _, n := range got {
		all += n
	}
	inlabtest.WantHome(t, v, all)
}

// Given a transfer in progress, when the zone's endpoint fails in one way or another, then the file arrives all the same,
// the rest of it by other zones, and no part is sent more than twice.
func TestSurvivesTheZone(t *testing.T) {
	for _, c := range []struct {
		name   string
		upload bool
		after  int64 // parts
		fault  lab.Fault
	}{
		{"upload, the endpoint is stopped", true, 1, lab.Refuse},
		{"upload, packets vanish", true, 1, lab.BlackHole},
		{"download, the endpoint is stopped", false, 1, lab.Refuse},             // the first part comes alone
		{"download, the endpoint is stopped among parts", false, 2, lab.Refuse}, // in the middle of the others' bodies
		{"download, packets vanish", false, 1, lab.BlackHole},                   // not among parts: see the package's comment
	} {
		t.Run(c.name, func(t *testing.T) {
			v := inlabtest.Start(t)
			path, err := random(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			var once sync.Once
			var broken time.Time
			job := transfer{path: path, progress: func(upload bool, done, total int64) {
				if upload != c.upload || done < c.after*total/parts {
					return
				}
				once.Do(func() { // in the middle
					broken = time.Now()
					inlabtest.Break(t, v, c.fault)
				})
			}}
			if err := job.run(t.Context(), v.Options()...); err != nil {
				t.Fatalf("got error %v, want the file", err)
			}
			took := time.Since(broken)
			wantSame(t, path)
			operation := map[bool]string{true: "UploadPart", false: "GetObject"}[c.upload]
			if got := operations(v)[operation]; got < parts || got > 2*parts {
				t.Errorf("%d parts took %d requests", parts, got)
			}
			got := v.Requests()
			if c.after == 1 && got["us-east-1a"]+got["us-east-1c"] == 0 { // parts that are under way may be through already
				t.Error("nothing went by other zones: the fault was not met")
			}
			t.Logf("%v after the fault; requests by zone: %v", took.Round(time.Millisecond), got)
		})
	}
}
