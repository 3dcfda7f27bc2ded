package shift

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Shift is a zone to keep away from.
type Shift struct {
	// Zone is known by its name, as this process's account or the endpoints' owner spells it, or by its ID, or by both. The
	// zero Zone is the one of whoever asks, whichever that is.
	Zone zone.Zone
	// Until is when it ends, unless the source says otherwise before. Zero: when the source no longer has it. A time that
	// has passed means that it is over.
	Until time.Time
}

// Source knows which zones to keep away from. Implementations must be safe for concurrent use, and return promptly when the
// context ends. None is the usual answer. A resolver asks in the background, and the last good answer holds when a later one
// fails.
type Source interface {
	Shifts(ctx context.Context) ([]Shift, error)
}

// Answer is what a source says, and what it says about that.
type Answer struct {
	Shifts []Shift
	// ByID means that the source knows zones by their IDs alone: a resolver that only knows its zone's name warns of it when
	// it starts, and not when it would matter.
	ByID bool
	// Source is who answered, or failed to: "file /etc/azaffinity/shift", "arc", or the Go type of a Source from elsewhere.
	Source string
	// Until is when to ask again, after an error, too. Zero leaves that to the caller: a resolver asks every minute, and after
	// a failure within five. Beside [ErrWouldBlock] it is when to ask for the first time.
	Until time.Time
}

// Answerer is a [Source] that says more than the shifts. It is the only optional interface of a Source; a Source without it is
// one that has to wait. Use [Ask] and [AskNow], which work with either.
type Answerer interface {
	Source
	// Answer is Shifts with all that there is to say. If wait is false, it answers from memory or a local file, or returns
	// [ErrWouldBlock]. All but the shifts may be set beside an error.
	Answer(ctx context.Context, wait bool) (Answer, error)
}

// ErrWouldBlock means that a source has to wait for its answer, for a network say, and was asked not to.
var ErrWouldBlock = errors.New("shift: the source has to wait for its answer")

// Ask asks s, and waits for the answer. Whatever s is, the answer's zones are valid, and its Source is set beside an error,
// too.
func Ask(ctx context.Context, s Source) (Answer, error) { return ask(ctx, s, true) }

// AskNow is [Ask] for callers that can't wait, such as constructors: s answers at once, or the error is [ErrWouldBlock].
func AskNow(ctx context.Context, s Source) (Answer, error) { return ask(ctx, s, false) }

func ask(ctx context.Context, s Source, wait bool) (a Answer, err error) {
	full, ok := s.(Answerer)
	switch {
	case s == nil:
		return Answer{}, errors.New("shift: the source is nil")
	case ok:
		a, err = full.Answer(ctx, wait)
	case wait:
		a.Shifts, err = s.Shifts(ctx)
	default:
		err = ErrWouldBlock
	}
	if a.Source == "" {
		a.Source = fmt.Sprintf("%T", s)
	}
	if err == nil {
		err = validate(a.Shifts)
	}
	if err != nil {
		a.Shifts = nil
	}
	return a, err
}

func validate(shifts []Shift) error {
	for _, s := range shifts {
		if s.Zone == (zone.Zone{}) {
			continue
		}
		if err := s.Zone.Validate(); err != nil {
			return fmt.Errorf("shift: %w", err)
		}
	}
	return nil
}
