package zone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Source knows the zone, or asks for it. The sources of this package are safe for concurrent use, remember no answer,
// and return promptly when the context ends.
type Source interface {
	Zone(ctx context.Context) (Zone, error)
}

// Answer is a zone, and what its source says about it.
type Answer struct {
	Zone Zone
	// Subnets are subnets in this zone that the source knows of: this process's own, of the instance or of the task. None is
	// no error, and doesn't mean that there are none.
	Subnets []netip.Prefix
	// Source is who answered, or failed to: "static", "env", "kubernetes", "ecs", "lambda", "imds", or the Go type of a
	// Source from elsewhere.
	Source string
	// Until is when to ask again, since the zone may be another by then. Zero: the answer has no end. Beside an error
	// it is when the source wants to be asked again; zero then leaves that to the caller.
	Until time.Time
}

// Answerer is a [Source] that says more than the zone. It is the only optional interface of a Source: all sources of
// this package have it, and a Source without it is one that has to wait, with answers that have no end. Use [Ask] and
// [AskNow], which work with either.
type Answerer interface {
	Source
	// Answer is Zone with all that there is to say. If wait is false, it answers from memory, the environment or a
	// local file, or returns [ErrWouldBlock]. Source and Until may be set beside an error.
	Answer(ctx context.Context, wait bool) (Answer, error)
}

// ErrWouldBlock means that a source has to wait for its answer, for a network say, and was asked not to.
var ErrWouldBlock = errors.New("zone: the source has to wait for its answer")

// Ask asks s, and waits for the answer. Whatever s is, the answer's zone and subnets are valid, and its Source is set beside an
// error, too.
func Ask(ctx context.Context, s Source) (Answer, error) { return ask(ctx, s, true) }

// AskNow is [Ask] for callers that can't wait, such as constructors: s answers at once, or the error is [ErrWouldBlock].
func AskNow(ctx context.Context, s Source) (Answer, error) { return ask(ctx, s, false) }

func ask(ctx context.Context, s Source, wait bool) (a Answer, err error) {
	full, ok := s.(Answerer)
	switch {
	case s == nil:
		return Answer{}, errors.New("zone source is nil: use zone.Detect()")
	case ok:
		a, err = full.Answer(ctx, wait)
	case wait:
		a.Zone, err = s.Zone(ctx)
	default:
		err = ErrWouldBlock
	}
	if a.Source == "" {
		a.Source = fmt.Sprintf("%T", s)
	}
	if err == nil {
		if invalid := a.Zone.Validate(); invalid != nil {
			err = fmt.Errorf("zone source %T: %w", s, invalid)
		}
	}
	if err != nil {
		a.Zone, a.Subnets = Zone{}, nil
	}
	a.Subnets = validSubnets(a.Subnets)
	return a, err
}

// remote is a source that waits for a network.
type remote struct {
	name string
	ask  func(ctx context.Context) (Answer, error)
}

func (r remote) Answer(ctx context.Context, wait bool) (a Answer, err error) {
	err = ErrWouldBlock
	if wait {
		a, err = r.ask(ctx)
	}
	a.Source = r.name
	return a, err
}

func (r remote) Zone(ctx context.Context) (Zone, error) {
	a, err := r.ask(ctx)
	return a.Zone, err
}

// local is a source that never waits.
type local struct {
	name string
	read func() (Zone, error)
}

func (l local) Answer(context.Context, bool) (Answer, error) {
	z, err := l.read()
	return Answer{Zone: z, Source: l.name}, err
}

func (l local) Zone(context.Context) (Zone, error) { return l.read() }

// Static answers z, always. A z that isn't valid is an error when asked.
func Static(z Zone) Source {
	return local{"static", func() (Zone, error) {
		if err := z.Validate(); err != nil {
			return Zone{}, fmt.Errorf("static: %w", err)
		}
		return z, nil
	}}
}

// First asks one source after the other and answers with the first that does. When none does, the error joins all of
// theirs. It stops when the context ends. A source that has to wait is asked only if those before it don't know.
func First(sources ...Source) Source {
	return first(append([]Source(nil), sources...))
}

type first []Source

func (f first) Answer(ctx context.Context, wait bool) (Answer, error) {
	if len(f) == 0 {
		return Answer{Source: "first"}, errors.New("no zone source to ask: give zone.First at least one")
	}
	var errs []error
	for _, s := range f {
		if err := ctx.Err(); err != nil {
			return Answer{Source: "first"}, errors.Join(append(errs, err)...)
		}
		a, err := ask(ctx, s, wait)
		if err == nil || errors.Is(err, ErrWouldBlock) {
			return a, err
		}
		errs = append(errs, err)
	}
	return Answer{Source: "first"}, errors.Join(errs...)
}

func (f first) Zone(ctx context.Context) (Zone, error) {
	a, err := f.Answer(ctx, true)
	return a.Zone, err
}
