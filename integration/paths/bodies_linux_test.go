package paths

import (
	"fmt"
	"testing"
	"time"
)

// Given uploads, when the server reads no more for a while and its window closes, then they wait, as TCP does.
func TestServerPausesReading(t *testing.T) {
	t.Parallel()
	const pause = 10 * time.Second
	var rows []row
	for p, calls := range map[proto]int{http1: 2, http2: 1} { // over HTTP/2 uploads share a window, and a paused one has all of it
		rows = append(rows, row{
			name: "server pauses reading an upload", proto: p, spec: spec{Service: "s3"},
			play: func(t *testing.T, c *caller) result {
				c.site.service.plan("upload", plan{pauseAfter: 1 << 20, pause: pause})
				return c.result(c.do(t, order{Do: "put", Label: "upload", Calls: calls, Size: 8 << 20, Deadline: 60 * time.Second}).Calls)
			},
			want: func(t *testing.T, bare, ours result) {
				wantAnswered(t, "bare", bare, 4*pause) // how long 8 MiB take is up to the machine
				wantAnswered(t, "azaffinity", ours, bare.longest()+pause/2)
				for who, got := range map[string]result{"bare": bare, "azaffinity": ours} {
					if got.longest() < pause {
						t.Errorf("%s: the longest call took %v, less than the pause", who, got.longest())
					}
				}
			},
		})
	}
	runRows(t, abreast, rows)
}

// Given downloads, when their path dies in mid-body, then the reader gets an error instead of waiting for ever.
func TestDownloadDies(t *testing.T) {
	t.Parallel()
	const calls, deadline, limit = 4, 12 * time.Second, 3 * time.Second
	var rows []row
	for _, p := range []proto{http1, http2} {
		rows = append(rows, row{
			name: "path dead under a download", proto: p, spec: spec{Kind: pinned, Service: "s3"},
			play: func(t *testing.T, c *caller) result {
				c.site.service.plan("download", plan{body: 8 << 20, chunk: 8 << 10, every: 20 * time.Millisecond})
				outcomes := c.start(t, order{Do: "get", Label: "download", Calls: calls, Deadline: deadline})
				c.site.service.await(t, "download", calls)
				time.Sleep(500 * time.Millisecond) // in mid-body
				fault := c.site.lose(t, 0, home)
				r := c.result(outcomes().Calls)
				r.fault = fault
				return r
			},
			want: func(t *testing.T, bare, ours result) {
				wantDeadline(t, "bare", bare, deadline)
				for who, got := range map[string]result{"bare": bare, "azaffinity": ours} {
					wantExecuted(t, who, got, 1, 1)
					for _, o := range got.calls {
						if o.Bytes == 0 {
							t.Errorf("%s: %s had no bytes of its body when the path died: %s", who, o.Name, o.Err)
						}
					}
				}
				for _, o := range ours.calls {
					if took := o.End.Sub(ours.fault); o.Err == "" || took > limit {
						t.Errorf("azaffinity: the reader of %s was told %q, %v after the path died; want an error within %v", o.Name, o.Err, took.Round(time.Millisecond), limit)
					}
				}
			},
		})
	}
	runRows(t, abreast, rows)
}

// Given downloads, when their reader pauses and its own window closes, then they go on afterwards.
func TestReaderPauses(t *testing.T) {
	t.Parallel()
	const size = 12 << 20 // more than windows and buffers hold
	var rows []row
	for _, p := range []proto{http1, http2} {
		for _, pause := range []time.Duration{8 * time.Second, time.Minute} {
			rows = append(rows, row{
				name: fmt.Sprintf("reader pauses for %v", pause), proto: p, long: pause > 10*time.Second, spec: spec{Service: "s3"},
				play: func(t *testing.T, c *caller) result {
					c.site.service.plan("download", plan{body: size})
					return c.result(c.do(t, order{Do: "get", Label: "download", Calls: 2, Pause: pause}).Calls)
				},
				want: func(t *testing.T, bare, ours result) {
					wantAnswered(t, "bare", bare, 4*pause)
					wantAnswered(t, "azaffinity", ours, bare.longest()+pause/2)
					for who, got := range map[string]result{"bare": bare, "azaffinity": ours} {
						for _, o := range got.calls {
							if o.Bytes != size {
								t.Errorf("%s: %s had %d bytes, want %d", who, o.Name, o.Bytes, size)
							}
						}
					}
				},
			})
		}
	}
	runRows(t, abreast, rows)
}
