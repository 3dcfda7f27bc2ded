package zone

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Source knows the zone, or where to ask for it. The sources of this package are safe for concurrent use, remember
// no answer, and return promptly when the context ends.
type Source interface {
	Zone(ctx context.Context) (Zone, error)
}

// Answer is a zone with its origin.
type Answer struct {
	Zone Zone
	// Source is who answered: "static", "env", "kubernetes", "ecs", "lambda", "imds", or the Go type of a Source from
	// elsewhere.
	Source string
	// Until is when to ask again, since the zone may be another by then. Zero: no end is known.
	Until time.Time
}

// Answerer is a [Source] that can tell more than the zone. All of this package's sources do; use [Ask] to get at it.
type Answerer interface {
	Answer(ctx context.Context) (Answer, error)
}

// Immediate is a [Source] that may know the zone without waiting for a network: from memory, the environment or a
// local file. Whoever is being constructed can ask such a source at once and return its error.
type Immediate interface {
	Immediate() bool
}

// Ask asks s. Whatever s is, the answer's zone is valid, and a panic in s is returned as an error.
func Ask(ctx context.Context, s Source) (a Answer, err error) {
	if s == nil {
		return Answer{}, errors.New("zone source is nil: use zone.Detect()")
	}
	defer func() {
		if p := recover(); p != nil {
			a, err = Answer{}, fmt.Errorf("zone source %T panicked: %v", s, p)
		}
	}()
	if full, ok := s.(Answerer); ok {
		a, err = full.Answer(ctx)
	} else {
		a.Zone, err = s.Zone(ctx)
	}
	if err != nil {
		return Answer{}, err
	}
	if err := a.Zone.Validate(); err != nil {
		return Answer{}, fmt.Errorf("zone source %T: %w", s, err)
	}
	if a.Source == "" {
		a.Source = fmt.Sprintf("%T", s)
	}
	return a, nil
}

// source makes a Source of a function that answers.
type source func(ctx context.Context) (Answer, error)

func (s source) Answer(ctx context.Context) (Answer, error) { return s(ctx) }

func (s source) Zone(ctx context.Context) (Zone, error) {
	a, err := s(ctx)
	return a.Zone, err
}

// immediate is a source that never waits.
type immediate struct{ source }

func (immediate) Immediate() bool { return true }

// Static answers z, always. A z that isn't valid is an error when asked.
func Static(z Zone) Source {
	return immediate{func(context.Context) (Answer, error) {
		if err := z.Validate(); err != nil {
			return Answer{}, fmt.Errorf("static: %w", err)
		}
		return Answer{Zone: z, Source: "static"}, nil
	}}
}

// First asks one source after the other and answers with the first that does. When none does, the error joins all of
// theirs. It stops when the context ends.
func First(sources ...Source) Source {
	return first(append([]Source(nil), sources...))
}

type first []Source

func (f first) Answer(ctx context.Context) (Answer, error) {
	if len(f) == 0 {
		return Answer{}, errors.New("no zone source to ask: give zone.First at least one")
	}
	var errs []error
	for _, s := range f {
		if err := ctx.Err(); err != nil {
			return Answer{}, errors.Join(append(errs, err)...)
		}
		a, err := Ask(ctx, s)
		if err == nil {
			return a, nil
		}
		errs = append(errs, err)
	}
	return Answer{}, errors.Join(errs...)
}

func (f first) Zone(ctx context.Context) (Zone, error) { return source(f.Answer).Zone(ctx) }

// Immediate is true where no source of the chain has to wait: one that does may
// be asked whenever those before it don't know.
func (f first) Immediate() bool {
	for _, source := range f {
		if s, ok := source.(Immediate); !ok || !s.Immediate() {
			return false
		}
	}
	return true // an empty chain fails at once, and its owner should hear of it at once
}
