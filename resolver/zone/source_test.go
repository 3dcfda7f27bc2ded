package zone

import (
	"context"
	"errors"
	"strings"
	"testing"
)

var (
	_ Answerer  = source(nil)
	_ Source    = source(nil)
	_ Immediate = immediate{}
	_ Answerer  = first(nil)
	_ Immediate = first(nil)
	_ Answerer  = (*detect)(nil)
	_ Immediate = (*detect)(nil)
)

// theirs is a Source as a user would write it.
type theirs func() (Zone, error)

func (f theirs) Zone(context.Context) (Zone, error) { return f() }

func fails(text string) Source {
	return theirs(func() (Zone, error) { return Zone{Name: "us-east-1z"}, errors.New(text) })
}

func TestAsk(t *testing.T) {
	zoneA := Zone{Name: "us-east-1a"}
	for _, c := range []struct {
		name    string
		source  Source
		want    Answer
		inError string
	}{
		{"a source of ours", Static(zoneA), Answer{Zone: zoneA, Source: "static"}, ""},
		{"a source of theirs", theirs(func() (Zone, error) { return zoneA, nil }), Answer{Zone: zoneA, Source: "zone.theirs"}, ""},
		{"an answerer that doesn't say who it is", source(func(context.Context) (Answer, error) {
			return Answer{Zone: zoneA}, nil
		}), Answer{Zone: zoneA, Source: "zone.source"}, ""},
		{"one that fails", fails("no idea"), Answer{}, "no idea"},
		{"one that answers nothing", theirs(func() (Zone, error) { return Zone{}, nil }), Answer{}, "neither a name nor an ID"},
		{"one that answers a host", theirs(func() (Zone, error) { return Zone{Name: "a.evil"}, nil }), Answer{}, `"a.evil"`},
		{"one that panics", theirs(func() (Zone, error) { panic("ouch") }), Answer{}, "zone.theirs panicked: ouch"},
		{"a nil function", theirs(nil), Answer{}, "panicked"},
		{"nil", nil, Answer{}, "nil"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Ask(t.Context(), c.source)
			wantAnswer(t, got, err, c.want, c.inError)
		})
	}
}

func TestStaticRefusesWhatIsNoZone(t *testing.T) {
	got, err := Ask(t.Context(), Static(Zone{Name: "us.east"}))
	wantAnswer(t, got, err, Answer{}, `static: zone name "us.east"`)
	if z, err := Static(Zone{}).Zone(t.Context()); err == nil {
		t.Errorf("Static(Zone{}).Zone = %v, want an error", z)
	}
}

func TestFirst(t *testing.T) {
	zoneA, zoneB := Zone{Name: "us-east-1a"}, Zone{Name: "us-east-1b"}
	for _, c := range []struct {
		name    string
		source  Source
		want    Answer
		inError string
	}{
		{"the first that answers", First(fails("one"), Static(zoneA), Static(zoneB)), Answer{Zone: zoneA, Source: "static"}, ""},
		{"a chain in a chain", First(First(fails("one")), First(Static(zoneB))), Answer{Zone: zoneB, Source: "static"}, ""},
		{"a panic is passed over", First(theirs(nil), Static(zoneA)), Answer{Zone: zoneA, Source: "static"}, ""},
		{"a nil member is passed over", First(nil, Static(zoneA)), Answer{Zone: zoneA, Source: "static"}, ""},
		{"a zone that is none is passed over", First(Static(Zone{Name: "/"}), Static(zoneA)), Answer{Zone: zoneA, Source: "static"}, ""},
		{"none answers", First(fails("one"), fails("two")), Answer{}, "one\ntwo"},
		{"only nil", First(nil), Answer{}, "nil"},
		{"no sources", First(), Answer{}, "no zone source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Ask(t.Context(), c.source)
			wantAnswer(t, got, err, c.want, c.inError)
			if z, _ := c.source.Zone(t.Context()); z != c.want.Zone {
				t.Errorf("Zone = %v, want %v", z, c.want.Zone)
			}
		})
	}
}

func TestFirstStopsWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	giveUp := theirs(func() (Zone, error) { cancel(); return Zone{}, errors.New("one") })
	got, err := Ask(ctx, First(giveUp, Static(Zone{Name: "us-east-1a"})))
	wantAnswer(t, got, err, Answer{}, "one")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %q is not context.Canceled", err)
	}
}

func TestImmediate(t *testing.T) {
	for _, c := range []struct {
		name   string
		source Source
		env    string
		want   bool
	}{
		{"static", Static(Zone{}), "", true},
		{"env", Env(), "", true},
		{"kubernetes", Kubernetes("labels"), "", true},
		{"ecs", ECS(), "", false},
		{"lambda", Lambda(), "", false},
		{"imds", IMDS(), "", false},
		{"first, all are", First(Env(), Static(Zone{})), "", true},
		{"first, not all are", First(Env(), IMDS()), "", false},
		{"first of nothing", First(), "", true},
		{"detect, told", Detect(), "us-east-1a", true},
		{"detect, told nonsense", Detect(), "?", true},
		{"detect, not told", Detect(), "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			t.Setenv("AZAFFINITY_ZONE", c.env)
			s, ok := c.source.(Immediate)
			if got := ok && s.Immediate(); got != c.want {
				t.Errorf("immediate = %v, want %v", got, c.want)
			}
		})
	}
}

// wantAnswer compares, where inError is empty for no error. A wanted Until of zero is not compared.
func wantAnswer(t *testing.T, got Answer, err error, want Answer, inError string) {
	t.Helper()
	switch {
	case inError == "" && err != nil:
		t.Errorf("error %q, want none", err)
	case inError != "" && err == nil:
		t.Errorf("no error, want one with %q", inError)
	case inError != "" && !strings.Contains(err.Error(), inError):
		t.Errorf("error %q, want one with %q", err, inError)
	}
	if got.Zone != want.Zone || got.Source != want.Source {
		t.Errorf("answer %v from %q, want %v from %q", got.Zone, got.Source, want.Zone, want.Source)
	}
}
