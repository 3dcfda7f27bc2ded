package endpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Source says which interface endpoints exist. Implementations must be safe for
// concurrent use. A resolver asks in the background and keeps the last good
// answer when a later one fails.
type Source interface {
	Endpoints(ctx context.Context) (Catalog, error)
}

// Answer is a catalogue, and what its source says about it.
type Answer struct {
	Catalog Catalog
	// Source is who answered, or failed to: "static", "environment",
	// "file /etc/endpoints.json", or the Go type of a Source from elsewhere.
	Source string
	// Until is when to ask again. Zero leaves that to the caller: a resolver
	// asks every ten minutes, and after a failure sooner. Beside an error it
	// keeps callers away from a source that is throttled, and beside
	// [ErrWouldBlock] it is when to ask for the first time: a source that many
	// processes share picks a random moment, so that a fleet that starts
	// together doesn't ask together. A caller that waits to be ready asks at once.
	Until time.Time
}

// Answerer is a [Source] that says more than the catalogue. It is the only
// optional interface of a Source: all sources of this package have it, and a
// Source without it is one that has to wait, and leaves it to the caller when to
// ask. Use [Ask] and [AskNow], which work with either.
type Answerer interface {
	Source
	// Answer is Endpoints with all that there is to say. If wait is false, it
	// answers from memory, the environment or a local file, or returns
	// [ErrWouldBlock]. Source and Until may be set beside an error.
	Answer(ctx context.Context, wait bool) (Answer, error)
}

// ErrWouldBlock means that a source has to wait for its answer, for a network
// say, and was asked not to.
var ErrWouldBlock = errors.New("endpoint: the source has to wait for its answer")

// Ask asks s, and waits for the answer. Whatever s is, the answer's catalogue is
// normalized, and its Source is set beside an error, too.
func Ask(ctx context.Context, s Source) (Answer, error) { return ask(ctx, s, true) }

// AskNow is [Ask] for callers that can't wait, such as constructors: s answers at
// once, or the error is [ErrWouldBlock].
func AskNow(ctx context.Context, s Source) (Answer, error) { return ask(ctx, s, false) }

func ask(ctx context.Context, s Source, wait bool) (a Answer, err error) {
	full, ok := s.(Answerer)
	switch {
	case s == nil:
		return Answer{}, errors.New("endpoint: the source is nil: use endpoint.Env()")
	case ok:
		a, err = full.Answer(ctx, wait)
	case wait:
		a.Catalog, err = s.Endpoints(ctx)
	default:
		err = ErrWouldBlock
	}
	if a.Source == "" {
		a.Source = fmt.Sprintf("%T", s)
	}
	if _, ours := s.(local); err == nil && !ours { // whose names have been parsed once
		a.Catalog, err = a.Catalog.Normalize()
	}
	if err != nil {
		a.Catalog = Catalog{}
	}
	return a, err
}

// local is a source that never waits.
type local struct {
	name string
	read func() (Catalog, error)
}

func (l local) Endpoints(context.Context) (Catalog, error) { return l.read() }

func (l local) Answer(context.Context, bool) (Answer, error) {
	cat, err := l.read()
	return Answer{Catalog: cat, Source: l.name}, err
}

// Static returns a source that always answers with the given endpoints. Fields
// that can be read from Regional may be left empty. What is wrong with an
// endpoint is the error of every answer.
func Static(endpoints ...Endpoint) Source {
	cat, err := Catalog{Endpoints: endpoints}.Normalize()
	return local{"static", func() (Catalog, error) { return cat.clone(), err }}
}

// Join returns a source that answers with what all sources know together. It
// fails when one of them does: half a catalogue would send requests elsewhere
// than a whole one. Of an endpoint that several of them know, what the first
// says is kept, and what it doesn't say is filled in from the others, zone by
// zone. FreePath stands only if all of them say it: an endpoint that one of them
// lists without is wanted.
func Join(sources ...Source) Source { return join(slices.Clone(sources)) }

type join []Source

func (j join) Endpoints(ctx context.Context) (Catalog, error) {
	a, err := j.Answer(ctx, true)
	return a.Catalog, err
}

// Answer asks all of them, also after one has failed: their names are wanted,
// and one that has to wait says when to ask.
func (j join) Answer(ctx context.Context, wait bool) (Answer, error) {
	var (
		all    []Catalog
		names  []string
		until  time.Time // of answers the first, of errors the last
		failed error
	)
	for _, s := range j {
		a, err := ask(ctx, s, wait && failed == nil)
		names = append(names, a.Source)
		switch {
		case failed != nil && !errors.Is(failed, ErrWouldBlock):
			// One of them is broken: nothing that comes after it matters.
		case err != nil && !errors.Is(err, ErrWouldBlock):
			failed, until = err, a.Until
		case err != nil:
			if failed == nil || a.Until.After(until) {
				until = a.Until
			}
			failed = err
		case failed != nil:
		default:
			all = append(all, a.Catalog)
			if until.IsZero() || !a.Until.IsZero() && a.Until.Before(until) {
				until = a.Until
			}
		}
	}
	joined := Answer{Source: strings.Join(names, " + "), Until: until}
	if failed != nil {
		return joined, failed
	}
	joined.Catalog = merge(all...)
	return joined, nil
}
