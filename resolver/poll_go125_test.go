//go:build go1.25

package resolver_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// The tests below run in synctest's bubbles, which fail if a goroutine is left
// behind when a test has ended, and so has its resolver's Close.

var errLate = errors.New("metadata is not there yet")

func newSlowResolver(t *testing.T, z zone.Source, e endpoint.Source, opts ...resolver.Option) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(append([]resolver.Option{resolver.WithZone(z), resolver.WithEndpoints(e)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

// Given sources that fail, then they are asked again after ever longer pauses, up
// to five minutes, for days; and when they answer at last, nobody had to restart.
func TestSourcesThatAnswerLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var asked []time.Time
		answered := 0
		r := newSlowResolver(t,
			zoneFunc(func(context.Context) (zone.Answer, error) {
				asked = append(asked, time.Now())
				if time.Since(start) < 48*time.Hour {
					return zone.Answer{}, errLate
				}
				answered++
				return zone.Answer{Zone: inA}, nil
			}),
			endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
				if time.Since(start) < time.Hour {
					return endpoint.Catalog{}, errLate
				}
				return endpoint.Catalog{Endpoints: sqsOnly()}, nil
			}))
		expectUntouched(t, r.Resolve(sqs), sqs, resolver.NoEndpoint)
		time.Sleep(2 * time.Hour)
		expect(t, r.Resolve(sqs), regional("sqs"), "", resolver.Regional, resolver.NoZone)
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		expect(t, r.Resolve(sqs), zonal("sqs"), regional("sqs"), resolver.Zonal, resolver.InZone)
		if answered != 1 {
			t.Errorf("asked %d times for an answer without an end, want once", answered)
		}
		for i, full := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300} {
			full *= time.Second
			if got := asked[i+1].Sub(asked[i]); got > full || got <= full/2 {
				t.Errorf("pause %d: got %v, want at most %v and more than half of it", i+1, got, full)
			}
		}
	})
}

// Given an answer that holds for a while, then the source is asked again after it;
// another zone is used at once, and no answer leaves the last one in use.
func TestZoneThatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []string{"us-east-1a", "us-east-1b", "", "us-east-1c"}
		var asked atomic.Int32
		r := newSlowResolver(t, zoneFunc(func(context.Context) (zone.Answer, error) {
			name := answers[min(int(asked.Add(1)), len(answers))-1]
			if name == "" {
				return zone.Answer{}, errLate
			}
			return zone.Answer{Zone: zone.Zone{Name: name}, Until: time.Now().Add(time.Hour)}, nil
		}), endpoint.Static(sqsOnly()...))
		if err := r.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"us-east-1a", "us-east-1b", "us-east-1b", "us-east-1c"} {
			if got := r.Resolve(sqs).Zone(); got != want {
				t.Errorf("after %d answers: got zone %s, want %s", asked.Load(), got, want)
			}
			if asked.Load() == 3 {
				if got := r.Snapshot().ZoneError; got != errLate.Error() {
					t.Errorf("error: got %q, want %q", got, errLate)
				}
				time.Sleep(time.Second)
			} else {
				time.Sleep(time.Hour)
			}
			synctest.Wait()
		}
	})
}

// An answer that had ended before it came, or a source that says it knows at once
// and then isn't sure for long, are asked again, but not in a loop.
func TestAnswersWithAnEnd(t *testing.T) {
	for name, immediate := range map[string]bool{"in the background": false, "immediate": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				f := zoneFunc(func(context.Context) (zone.Answer, error) {
					asked++
					return zone.Answer{Zone: inA, Until: time.Now().Add(-time.Hour)}, nil
				})
				var source zone.Source = f
				if immediate {
					source = immediateZone{f}
				}
				newSlowResolver(t, source, endpoint.Static())
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if asked != 11 {
					t.Errorf("asked %d times in 10 s, want 11", asked)
				}
			})
		})
	}
}

type immediateZone struct{ zoneFunc }

func (z immediateZone) Answer(ctx context.Context, _ bool) (zone.Answer, error) {
	return z.zoneFunc(ctx)
}

// The letters of a zone's name are an account's own: the name that the endpoints'
// owner has for the ID is the one in their names.
func TestZoneIDAndName(t *testing.T) {
	const id = "use1-az6"
	names := map[string]string{id: "us-east-1a", "use1-az1": "us-east-1b"}
	for _, tt := range []struct {
		name  string
		zone  zone.Zone
		names map[string]string
		want  string
		warns bool
	}{
		{"an ID with a map", zone.Zone{ID: id}, names, "us-east-1a", false},
		{"the map against the instance's own letter", zone.Zone{Name: "us-east-1f", ID: id}, names, "us-east-1a", false},
		{"a name alone", zone.Zone{Name: "us-east-1f"}, names, "us-east-1f", false},
		{"no map", zone.Zone{Name: "us-east-1f", ID: id}, nil, "us-east-1f", false},
		{"an ID without a map", zone.Zone{ID: id}, nil, "", true},
		{"an ID that the map lacks", zone.Zone{ID: "use1-az2"}, names, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &recorder{}
				r := newSlowResolver(t,
					zoneFunc(func(context.Context) (zone.Answer, error) {
						return zone.Answer{Zone: tt.zone, Until: time.Now().Add(time.Minute)}, nil
					}),
					endpointsFunc(func(context.Context) (endpoint.Catalog, error) {
						time.Sleep(time.Second / 2)
						return endpoint.Catalog{Endpoints: sqsOnly(), ZoneNames: tt.names}, nil
					}), resolver.WithLogger(log.logger()))
				err := r.Ready(t.Context())
				time.Sleep(time.Hour)
				if got := r.Resolve(sqs).Zone(); got != tt.want {
					t.Errorf("got zone %q, want %q", got, tt.want)
				}
				lines := log.String()
				if got := strings.Count(lines, "AZAFFINITY_ZONE_NAMES"); got != map[bool]int{true: 1}[tt.warns] {
					t.Errorf("the remedy was logged %d times: %s", got, lines)
				}
				if said := err != nil && strings.Contains(err.Error(), "AZAFFINITY_ZONE_NAMES"); said != tt.warns {
					t.Errorf("Ready: got %v", err)
				}
			})
		})
	}
}

// Given sources that panic, then that is an error like others.
func TestSourcesThatPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		log := &recorder{}
		z := zoneFunc(func(context.Context) (zone.Answer, error) {
			if asked++; asked == 1 {
				panic("no zone")
			}
			return zone.Answer{Zone: inA}, nil
		})
		r := newSlowResolver(t, z, endpointsFunc(func(context.Context) (endpoint.Catalog, error) { panic("no endpoints") }), resolver.WithLogger(log.logger()))
		err := r.Ready(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no zone") || !strings.Contains(err.Error(), "no endpoints") {
			t.Errorf("Ready: got %v, want both", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := r.Snapshot().ZoneName; got != "us-east-1a" {
			t.Errorf("asked again: got zone %q, want us-east-1a", got)
		}
		if got, logged := r.Snapshot().Panics, strings.Count(log.String(), "panicked"); got < 2 || logged == 0 {
			t.Errorf("panics: got %d, and %d lines", got, logged)
		}
	})
}

// Given a source that panics when it need not wait, then that is New's error.
func TestSourceThatPanicsAtOnce(t *testing.T) {
	z := immediateZone{func(context.Context) (zone.Answer, error) { panic("no zone") }}
	if _, err := resolver.New(resolver.WithZone(z), resolver.WithEndpoints(endpoint.Static())); err == nil || !strings.Contains(err.Error(), "no zone") {
		t.Errorf("New: got %v, want the panic as an error", err)
	}
}
