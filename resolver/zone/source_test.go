package zone

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	_ Answerer = remote{}
	_ Answerer = local{}
	_ Answerer = first(nil)
	_ Answerer = (*detect)(nil)
)

// theirs is a Source as a user would write it.
type theirs func() (Zone, error)

func (f theirs) Zone(context.Context) (Zone, error) { return f() }

func fails(text string) Source {
	return theirs(func() (Zone, error) { return Zone{Name: "us-east-1z"}, errors.New(text) })
}

func TestAsk(t *testing.T) {
	zoneA := Zone{Name: "us-east-1a"}
	soon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	theirName := "zone.theirs"
	own := netip.MustParsePrefix("10.0.1.0/24")
	odd := []netip.Prefix{{}, netip.MustParsePrefix("10.0.1.7/24"), own, netip.PrefixFrom(own.Addr(), 33), netip.MustParsePrefix("0.0.0.0/0")}
	for _, c := range []struct {
		name    string
		source  Source
		want    Answer
		inError string
	}{
		{"a source of ours", Static(zoneA), Answer{Zone: zoneA, Source: "static"}, ""},
		{"a source of theirs", theirs(func() (Zone, error) { return zoneA, nil }), Answer{Zone: zoneA, Source: theirName}, ""},
		{
			"an answerer",
			answerer{Answer{Zone: zoneA, Subnets: []netip.Prefix{own}, Source: "consul", Until: soon}, nil},
			Answer{Zone: zoneA, Subnets: []netip.Prefix{own}, Source: "consul", Until: soon},
			"",
		},
		{"an answerer without a name", answerer{Answer{Zone: zoneA}, nil}, Answer{Zone: zoneA, Source: "zone.answerer"}, ""},
		{"an answerer that fails", answerer{Answer{Zone: zoneA, Subnets: []netip.Prefix{own}, Source: "consul", Until: soon}, errors.New("no idea")}, Answer{Source: "consul", Until: soon}, "no idea"},
		{"odd subnets", answerer{Answer{Zone: zoneA, Subnets: odd}, nil}, Answer{Zone: zoneA, Subnets: []netip.Prefix{own}, Source: "zone.answerer"}, ""},
		{"the second of two", First(fails("no idea"), answerer{Answer{Zone: zoneA, Subnets: []netip.Prefix{own}}, nil}), Answer{Zone: zoneA, Subnets: []netip.Prefix{own}, Source: "zone.answerer"}, ""},
		{"one that fails", fails("no idea"), Answer{Source: theirName}, "no idea"},
		{"one that answers nothing", theirs(func() (Zone, error) { return Zone{}, nil }), Answer{Source: theirName}, "neither a name nor an ID"},
		{"one that answers a host", theirs(func() (Zone, error) { return Zone{Name: "a.evil"}, nil }), Answer{Source: theirName}, `"a.evil"`},
		{"nil", nil, Answer{}, "nil"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Ask(t.Context(), c.source)
			wantAnswer(t, got, err, c.want, c.inError)
			if !got.Until.Equal(c.want.Until) {
				t.Errorf("until %v, want %v", got.Until, c.want.Until)
			}
		})
	}
}

// answerer is a source of theirs that says more than the zone.
type answerer struct {
	answer Answer
	err    error
}

func (a answerer) Answer(context.Context, bool) (Answer, error) { return a.answer, a.err }
func (a answerer) Zone(context.Context) (Zone, error)           { return a.answer.Zone, a.err }

// Given a caller that can't wait, then sources that needn't wait answer, and the others say that they have to, without
// sending anything.
func TestAskNow(t *testing.T) {
	zoneA := Zone{Name: "us-east-1a"}
	waits, told := ErrWouldBlock.Error(), Answer{Zone: zoneA, Source: "env"}
	for _, c := range []struct {
		name    string
		source  Source
		env     string
		want    Answer
		inError string
	}{
		{"static", Static(zoneA), "", Answer{Zone: zoneA, Source: "static"}, ""},
		{"static, not a zone", Static(Zone{}), "", Answer{Source: "static"}, "neither"},
		{"env", Env(), "us-east-1a", told, ""},
		{"env, not set", Env(), "", Answer{Source: "env"}, "is not set"},
		{"kubernetes", Kubernetes("no such file"), "", Answer{Source: "kubernetes"}, "no such file"},
		{"ecs", ECS(), "", Answer{Source: "ecs"}, waits},
		{"lambda", Lambda(), "", Answer{Source: "lambda"}, waits},
		{"imds", IMDS(), "", Answer{Source: "imds"}, waits},
		{"theirs", theirs(func() (Zone, error) { return zoneA, nil }), "", Answer{Source: "zone.theirs"}, waits},
		{"first, none waits", First(Env(), Static(zoneA)), "", Answer{Zone: zoneA, Source: "static"}, ""},
		{"first, none waits or knows", First(Env(), Static(Zone{})), "", Answer{Source: "first"}, "neither"},
		{"first, known before one that waits", First(Env(), IMDS()), "us-east-1a", told, ""},
		{"first, one that waits before one that knows", First(Env(), IMDS(), Static(zoneA)), "", Answer{Source: "imds"}, waits},
		{"first of nothing", First(), "", Answer{Source: "first"}, "no zone source"},
		{"detect, set", Detect(), "us-east-1a", told, ""},
		{"detect, set to nonsense", Detect(), "?", Answer{Source: "env"}, "AZAFFINITY_ZONE"},
		{"detect, not set", Detect(), "", Answer{Source: "detect"}, waits},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			t.Setenv("AZAFFINITY_ZONE", c.env)
			server := newFakeIMDS(t, nil)
			got, err := AskNow(t.Context(), c.source)
			wantAnswer(t, got, err, c.want, c.inError)
			if (c.inError == waits) != errors.Is(err, ErrWouldBlock) {
				t.Errorf("error %v, want one that is ErrWouldBlock: %v", err, c.inError == waits)
			}
			server.wantAsked(t)
		})
	}
}

func TestStaticRefusesWhatIsNoZone(t *testing.T) {
	got, err := Ask(t.Context(), Static(Zone{Name: "us.east"}))
	wantAnswer(t, got, err, Answer{Source: "static"}, `static: zone name "us.east"`)
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
		{"a nil member is passed over", First(nil, Static(zoneA)), Answer{Zone: zoneA, Source: "static"}, ""},
		{"a zone that is none is passed over", First(Static(Zone{Name: "/"}), Static(zoneA)), Answer{Zone: zoneA, Source: "static"}, ""},
		{"none answers", First(fails("one"), fails("two")), Answer{Source: "first"}, "one\ntwo"},
		{"only nil", First(nil), Answer{Source: "first"}, "nil"},
		{"no sources", First(), Answer{Source: "first"}, "no zone source"},
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
	wantAnswer(t, got, err, Answer{Source: "first"}, "one")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %q is not context.Canceled", err)
	}
}

// wantAnswer compares; inError is empty for no error. A wanted Until of zero is not compared.
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
	if !slices.Equal(got.Subnets, want.Subnets) {
		t.Errorf("subnets %v, want %v", got.Subnets, want.Subnets)
	}
}
