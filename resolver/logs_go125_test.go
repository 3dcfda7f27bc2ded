//go:build go1.25

package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// journal is a log handler that keeps lines without the product's name and times, but for how long something took, and
// objects to zero times.
type journal struct {
	t  *testing.T
	mu sync.Mutex
	l  []string
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *journal) WithGroup(string) slog.Handler            { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	msg, ours := strings.CutPrefix(r.Message, "azaffinity: ")
	if !ours {
		j.t.Errorf("%q does not say who logs it", r.Message)
	}
	line := r.Level.String() + " " + msg
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.Kind() != slog.KindTime {
			line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		} else if a.Value.Time().IsZero() {
			j.t.Errorf("%s: %s is the zero time", msg, a.Key)
		} else {
			line += " " + a.Key
		}
		return true
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	j.l = append(j.l, line)
	return nil
}

// expect compares what has been logged since the last time.
func (j *journal) expect(when string, want ...string) {
	j.t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.l, want) {
		j.t.Errorf("%s: got\n\t%s\nwant\n\t%s", when, strings.Join(j.l, "\n\t"), strings.Join(want, "\n\t"))
	}
	j.l = nil
}

func (j *journal) option() resolver.Option { return resolver.WithLogger(slog.New(j)) }

// says is a source whose answer can be changed.
type says[T any] struct {
	mu    sync.Mutex
	value T
	err   error
}

func (s *says[T]) set(value T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.err = value, err
}

func (s *says[T]) get() (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.err
}

// saysZone is asked every minute, and after a failure within five.
type saysZone struct{ says[zone.Zone] }

func (s *saysZone) Zone(context.Context) (zone.Zone, error) { return s.get() }

func (s *saysZone) Answer(_ context.Context, wait bool) (zone.Answer, error) {
	if !wait {
		return zone.Answer{Source: "told"}, zone.ErrWouldBlock
	}
	z, err := s.get()
	return zone.Answer{Zone: z, Source: "told", Until: time.Now().Add(time.Minute)}, err
}

type saysEndpoints struct{ says[[]endpoint.Endpoint] }

func (s *saysEndpoints) Endpoints(context.Context) (endpoint.Catalog, error) {
	all, err := s.get()
	return endpoint.Catalog{Endpoints: all}, err
}

func (s *saysEndpoints) Answer(ctx context.Context, wait bool) (endpoint.Answer, error) {
	if !wait {
		return endpoint.Answer{Source: "told"}, endpoint.ErrWouldBlock
	}
	cat, err := s.Endpoints(ctx)
	return endpoint.Answer{Catalog: cat, Source: "told", Until: time.Now().Add(time.Minute)}, err
}

// Given zone and endpoints that are known at once, then the first line says with what the resolver has started, and it is the
// only one.
func TestStartIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{t: t}
		both := zone.Zone{Name: "us-east-1a", ID: "use1-az6"}
		newSlowResolver(t, zone.Static(both), endpoint.Static(of("sqs"), of("kms")), resolver.WithMode(resolver.Observe), log.option())
		time.Sleep(time.Hour)
		log.expect("at the start", "INFO started version="+middleware.Version+" mode=observe zone=us-east-1a (use1-az6) zone_source=static endpoints=2 endpoints_source=static")
	})
}

// Given options that New refuses, then nothing has started, and no line says so.
func TestNoStartIsLogged(t *testing.T) {
	log := &journal{t: t}
	if _, err := resolver.New(resolver.WithZone(zone.Static(inA)), resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "no"})), log.option()); err == nil {
		t.Error("got a resolver")
	}
	for _, line := range log.l {
		if strings.Contains(line, "started") {
			t.Errorf("logged %s", line)
		}
	}
}

// Given a zone that is found late, changes, is lost and found again, then each is one line, with what it was and is.
func TestZoneIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, told := &journal{t: t}, &saysZone{}
		told.set(zone.Zone{}, errLate)
		r := newSlowResolver(t, told, endpoint.Static(sqsOnly()...), log.option())
		time.Sleep(30 * time.Second) // so that no answer changes at the moment of a question
		later := func() {
			t.Helper()
			for range 10 {
				r.Resolve(sqs)
				time.Sleep(time.Minute)
			}
		}
		later()
		log.expect("no zone",
			"WARN could not find out the zone source=told error=metadata is not there yet",
			"INFO started version="+middleware.Version+" mode=prefer zone=unknown zone_source=none endpoints=1 endpoints_source=static")
		told.set(inA, nil)
		later()
		log.expect("found", "INFO zone found zone=us-east-1a was=unknown source=told after=11m0s")
		told.set(zone.Zone{Name: "us-east-1b"}, nil)
		later()
		log.expect("changed", "INFO zone changed zone=us-east-1b was=us-east-1a source=told")
		told.set(zone.Zone{}, errLate)
		later()
		log.expect("lost", "WARN could not find out the zone source=told error=metadata is not there yet zone=us-east-1b in_use_since")
		told.set(zone.Zone{}, errors.New("something else"))
		later()
		log.expect("lost for another reason")
		told.set(inA, nil)
		later()
		log.expect("found again, another", "INFO zone found again zone=us-east-1a was=us-east-1b source=told after=20m0s")
	})
}

// Given endpoints that are read late, change, shrink, can't be read and can again, then each is one line.
func TestEndpointsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, told := &journal{t: t}, &saysEndpoints{}
		told.set(nil, errLate)
		r := newSlowResolver(t, zone.Static(inA), told, log.option())
		time.Sleep(30 * time.Second) // so that no answer changes at the moment of a question
		later := func() {
			t.Helper()
			for range 10 {
				r.Resolve(sqs)
				time.Sleep(time.Minute)
			}
		}
		later()
		log.expect("none",
			"WARN could not read the endpoints source=told error=metadata is not there yet",
			"INFO started version="+middleware.Version+" mode=prefer zone=us-east-1a zone_source=static endpoints=0 endpoints_source=told")
		told.set([]endpoint.Endpoint{of("sqs")}, nil)
		later()
		log.expect("read", "INFO endpoints read endpoints=1 source=told after=11m0s")
		told.set([]endpoint.Endpoint{of("sqs"), of("kms")}, nil)
		later()
		log.expect("one more", "INFO endpoints changed endpoints=2 was=1 new=[vpce-0a1b2c3d4e5f60718 (kms)] gone=[] changed=[]")
		elsewhere := of("kms")
		elsewhere.PrivateDNS = !elsewhere.PrivateDNS
		told.set([]endpoint.Endpoint{elsewhere}, nil)
		later()
		log.expect("one less, one not as before", "WARN endpoints are no longer listed endpoints=1 was=2 new=[] gone=[vpce-0a1b2c3d4e5f60718 (sqs)] changed=[vpce-0a1b2c3d4e5f60718 (kms)]")
		told.set(nil, nil)
		later()
		log.expect("none are listed", "WARN could not read the endpoints source=told error=resolver: no endpoint is listed any more: the last answer, with 1, stays in use endpoints=1 in_use_since")
		told.set(nil, errLate)
		later()
		log.expect("nor can they be read")
		var many []endpoint.Endpoint
		services := []string{"sqs", "sns", "ssm", "sts", "logs", "events", "states", "rum", "ec2", "ecs", "s3", "monitoring"}
		for _, service := range services {
			many = append(many, of(service))
		}
		told.set(append(many, elsewhere), nil)
		later()
		names := ""
		for _, service := range services[:10] {
			names += "vpce-0a1b2c3d4e5f60718 (" + service + ") "
		}
		log.expect("read again", "INFO endpoints read again endpoints=13 source=told after=20m0s", "INFO endpoints changed endpoints=13 was=1 new=["+names+"and 2 more] gone=[] changed=[]")
	})
}

// Given more endpoints for one host than anybody wants to read of, then fifty notes are logged, and how many there are besides.
func TestNotesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{t: t}
		var all []endpoint.Endpoint
		for i := range 53 {
			all = append(all, endpoint.Endpoint{Regional: strings.Replace(regional("sqs"), "60718", fmt.Sprintf("6%04d", i), 1)})
		}
		newResolver(t, inA, all, log.option())
		notes := slices.DeleteFunc(log.l, func(line string) bool { return !strings.Contains(line, " is not") && !strings.Contains(line, "more") })
		if len(notes) != 51 || notes[50] != "INFO and 2 notes more" {
			t.Errorf("got %d notes:\n%s", len(notes), strings.Join(notes, "\n"))
		}
	})
}

// Given a zonal name that fails, when it is ejected and comes back, then there is a line for each, the second with how long
// that lasted, and how many requests failed and how many went elsewhere; and no other request is logged.
func TestOutageIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{t: t}
		r := newResolver(t, inA, sqsOnly(), log.option())
		log.l = nil
		send := func(n int) {
			for range n {
				route := r.Resolve(sqs)
				route.Sent()
				route.Answered()
			}
		}
		send(1000)
		log.expect("requests")
		for range 2 { // of which the second outage knows nothing of the first
			failing := r.Resolve(sqs)
			for range 2 {
				failing.Sent()
				failing.Failed(resolver.CauseUnanswered, context.DeadlineExceeded)
			}
			failing.Sent()
			failing.Failed(resolver.CauseConnect, errors.New("refused"))
			failing.FailedOver(resolver.CauseConnect).Sent()
			pause := time.Until(r.Snapshot().Endpoints[0].RetryAt).Round(time.Second)
			log.expect("ejected", "WARN zonal name ejected, its requests go to the regional name name="+zonal("sqs")+" cause=connect error=refused retry_in="+pause.String())
			send(7)
			failing.Failed(resolver.CauseConnect, errors.New("refused, sent before"))
			time.Sleep(time.Minute)
			probe, ok := r.Resolve(sqs).Probe()
			if !ok {
				t.Fatal("no probe is due")
			}
			probe.Sent()
			probe.Answered()
			log.expect("healthy", "INFO zonal name healthy again name="+zonal("sqs")+" after=1m0s failures=4 sent_elsewhere=8")
			send(1000)
			log.expect("requests")
		}
	})
}

// Given a zonal name that is ejected, when its endpoint is gone, then the outage is over, too.
func TestOutageOfAnEndpointThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, told := &journal{t: t}, &saysEndpoints{}
		told.set([]endpoint.Endpoint{of("sqs"), of("kms")}, nil)
		r := newSlowResolver(t, zone.Static(inA), told, log.option())
		time.Sleep(30 * time.Second)
		r.Resolve(sqs).Failed(resolver.CauseAbsent, nil)
		log.l = nil
		told.set([]endpoint.Endpoint{of("kms")}, nil)
		for range 3 {
			r.Resolve(sqs)
			time.Sleep(time.Minute)
		}
		log.expect("gone", "WARN endpoints are no longer listed endpoints=1 was=2 new=[] gone=[vpce-0a1b2c3d4e5f60718 (sqs)] changed=[]",
			"INFO ejected zonal name no longer used name="+zonal("sqs")+" after=30s failures=1 sent_elsewhere=0")
	})
}

// Given a mode that changes, then the line says from what to what.
func TestModeIsLogged(t *testing.T) {
	log := &journal{t: t}
	r := newResolver(t, inA, sqsOnly(), log.option())
	log.l = nil
	r.SetMode(resolver.Off)
	r.SetMode(resolver.Off)
	log.expect("changed", "INFO mode changed mode=off was=prefer")
}

type saysShifts struct{ says[[]shift.Shift] }

func (s *saysShifts) Shifts(context.Context) ([]shift.Shift, error) { return s.get() }

// Given shifts by a source and by hand, then the beginning, each change and the end are one line each, and so are a source
// that fails and one that is back.
func TestShiftsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, told := &journal{t: t}, &saysShifts{}
		r := newSlowResolver(t, zone.Static(inA), endpoint.Static(sqsOnly()...), resolver.WithShift(told), log.option())
		const source = "*resolver_test.saysShifts"
		later := func() { time.Sleep(10 * time.Minute) }
		later()
		log.l = nil
		told.set([]shift.Shift{{Zone: inA}}, nil)
		time.Sleep(2 * time.Minute)
		log.expect("by the source", "WARN shifted away from the zone by="+source)
		r.ShiftAway(time.Now().Add(time.Hour))
		later()
		log.expect("by hand, not as long")
		told.set(nil, errLate)
		later()
		log.expect("not to be read", "WARN could not read the shifts source="+source+" error=metadata is not there yet shifts=1 in_use_since")
		told.set(nil, nil)
		later()
		log.expect("read again, over", "INFO shifts read again shifts=0 source="+source+" after="+log.took(t), "INFO still shifted away from the zone by=ShiftAway until was_by="+source)
		time.Sleep(time.Hour)
		synctest.Wait()
		log.expect("over", "INFO no longer shifted away from the zone after="+log.took(t)+" by=ShiftAway")
	})
}

// took is how long the last line that says so says that something lasted, which differs with the jitter.
func (j *journal) took(t *testing.T) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.l {
		if _, after, ok := strings.Cut(line, "after="); ok {
			after, _, _ = strings.Cut(after, " ")
			if d, err := time.ParseDuration(after); err != nil || d < time.Minute || d > 2*time.Hour {
				t.Errorf("%s: lasted %v, %v", line, d, err)
			}
			return after
		}
	}
	return ""
}
