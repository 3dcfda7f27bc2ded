package shift_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

var errDown = errors.New("down")

// plain is a source that says no more than its shifts; full is one that does.
type plain struct {
	shifts []shift.Shift
	err    error
}

func (p plain) Shifts(context.Context) ([]shift.Shift, error) { return p.shifts, p.err }

type full struct {
	plain
	answer shift.Answer
}

func (f full) Answer(context.Context, bool) (shift.Answer, error) { return f.answer, f.err }

// Given sources of either kind, then both can be asked the same, and what they say of zones is fit to compare.
func TestAsk(t *testing.T) {
	one, odd := []shift.Shift{{Zone: zone.Zone{ID: "use1-az6"}}, {}}, []shift.Shift{{Zone: zone.Zone{Name: "us east"}}}
	soon := time.Now().Add(time.Minute)
	for _, tt := range []struct {
		name     string
		source   shift.Source
		now      bool // it isn't waited for
		want     shift.Answer
		isError  error // nil: any, if there are no shifts
		noShifts bool
	}{
		{"plain", plain{shifts: one}, false, shift.Answer{Shifts: one, Source: "shift_test.plain"}, nil, false},
		{"plain, and nobody waits", plain{shifts: one}, true, shift.Answer{Source: "shift_test.plain"}, shift.ErrWouldBlock, true},
		{"plain, and fails", plain{shifts: one, err: errDown}, false, shift.Answer{Source: "shift_test.plain"}, errDown, true},
		{"full", full{answer: shift.Answer{Shifts: one, ByID: true, Source: "arc", Until: soon}}, true, shift.Answer{Shifts: one, ByID: true, Source: "arc", Until: soon}, nil, false},
		{"full, and fails", full{plain{err: errDown}, shift.Answer{Shifts: one, Source: "arc", Until: soon}}, false, shift.Answer{Source: "arc", Until: soon}, errDown, true},
		{"no zone", plain{shifts: odd}, false, shift.Answer{Source: "shift_test.plain"}, nil, true},
		{"nil", nil, false, shift.Answer{}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ask := shift.Ask
			if tt.now {
				ask = shift.AskNow
			}
			got, err := ask(t.Context(), tt.source)
			if (err != nil) != tt.noShifts || tt.isError != nil && !errors.Is(err, tt.isError) {
				t.Errorf("got %v, want %v", err, tt.isError)
			}
			if len(got.Shifts) != len(tt.want.Shifts) || got.ByID != tt.want.ByID || got.Source != tt.want.Source || !got.Until.Equal(tt.want.Until) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
