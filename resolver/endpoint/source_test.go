package endpoint

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// Given a caller that can't wait, then sources that needn't wait answer, and the
// others say that they have to, and when.
func TestAskNow(t *testing.T) {
	soon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	later := soon.Add(time.Minute)
	broken := errors.New("no such luck")
	own := source{cat: Catalog{Endpoints: []Endpoint{{Regional: sqsName}}}}
	shared, answers := answerer{"ec2", soon, ErrWouldBlock}, answerer{"consul", soon, nil}
	for _, tt := range []struct {
		name  string
		of    Source
		want  string
		until time.Time
		err   error
	}{
		{"static", Static(Endpoint{Regional: sqsName}), "static", time.Time{}, nil},
		{"environment", Env(), "environment", time.Time{}, nil},
		{"file", File("/no/such"), "file /no/such", time.Time{}, os.ErrNotExist},
		{"one's own", own, "endpoint.source", time.Time{}, ErrWouldBlock},
		{"shared by many", shared, "ec2", soon, ErrWouldBlock},
		{"an answer with an end", answers, "consul", soon, nil},
		{"joined", Join(Env(), Static()), "environment + static", time.Time{}, nil},
		{"joined, the first end counts", Join(Env(), answerer{"x", later, nil}, answers), "environment + x + consul", soon, nil},
		{"joined with one that waits", Join(own, Env()), "endpoint.source + environment", time.Time{}, ErrWouldBlock},
		{"joined with two that wait, the last counts", Join(shared, answerer{"x", later, ErrWouldBlock}, own, answers), "ec2 + x + endpoint.source + consul", later, ErrWouldBlock},
		{"joined with one that is broken", Join(shared, answerer{"x", later, broken}, shared, answers), "ec2 + x + ec2 + consul", later, broken},
		{"nothing joined", Join(), "", time.Time{}, nil},
		{"nil", nil, "", time.Time{}, errAny},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setenv(t, "", "", "")
			got, err := AskNow(t.Context(), tt.of)
			if !errors.Is(err, tt.err) && (tt.err != errAny || err == nil) {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if tt.want == "" && tt.err == nil {
				tt.want = "endpoint.join"
			}
			if got.Source != tt.want || !got.Until.Equal(tt.until) {
				t.Errorf("got %q until %v, want %q until %v", got.Source, got.Until, tt.want, tt.until)
			}
			if err != nil && got.Catalog.Endpoints != nil {
				t.Errorf("got %+v beside the error", got.Catalog)
			}
		})
	}
}

var errAny = errors.New("any")

// answerer is a source that says more than the catalogue.
type answerer struct {
	name  string
	until time.Time
	err   error
}

func (a answerer) Endpoints(context.Context) (Catalog, error) { return Catalog{}, a.err }

func (a answerer) Answer(context.Context, bool) (Answer, error) {
	return Answer{Source: a.name, Until: a.until, Catalog: Catalog{Endpoints: []Endpoint{{Regional: kmsName}}}}, a.err
}

// Whatever a source says, Ask's answer is normalized, and an error stands alone
// with the source's name.
func TestAsk(t *testing.T) {
	got, err := Ask(t.Context(), source{cat: Catalog{Endpoints: []Endpoint{{Regional: sqsName}}}})
	if err != nil || got.Catalog.Endpoints[0].ID != sqsID || got.Source != "endpoint.source" {
		t.Errorf("got %+v, %v; want the endpoint's id, and the source's type", got, err)
	}
	got, err = Ask(t.Context(), source{cat: Catalog{Endpoints: []Endpoint{{Regional: "evil.example.com"}}}})
	if err == nil || got.Catalog.Endpoints != nil || got.Source != "endpoint.source" {
		t.Errorf("got %+v, %v; want an error, and the source's type", got, err)
	}
}
