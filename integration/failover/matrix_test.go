package failover

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	"go.uber.org/goleak"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

var update = flag.Bool("update", false, "write the matrix into the package's documentation")

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "20"); err != nil { // cells wait, more than they work
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// cell is one call in one fault.
type cell struct {
	fault    fault
	workload workload
	retries  bool // the SDK's
	http2    bool
	met      bool // once more: the regional name leads to the front end with the fault
	foreign  bool // the program's HTTP client is one that azaffinity knows nothing of
}

// attempts is how many the SDK makes of a call that fails, unless told otherwise.
const attempts = 3

// result is what came of it.
type result struct {
	answered bool
	err      string // its kind
	executed int
	took     time.Duration
}

// Given each fault, when each workload is called, then the caller's answer, the number of executions at the server, and the time it took are as promised; and
// the server executed it no more often than it would have for the bare SDK in the same fault.
func TestMatrix(t *testing.T) {
	t.Parallel()
	results := newTable(faults, workloads)
	t.Run("cells", func(t *testing.T) {
		for _, w := range workloads {
			for _, retries := range []bool{true, false} {
				for _, http2 := range []bool{false, true} {
					for _, f := range faults { // those that wait beside those that work
						c := cell{fault: f, workload: w, retries: retries, http2: http2}
						t.Run(c.name(), func(t *testing.T) {
							t.Parallel()
							c.compare(t, results)
						})
					}
				}
			}
		}
	})
	t.Logf("\n%s", results)
	if !t.Failed() {
		results.document(t, 0)
	}
}

// Given the same with an HTTP client that azaffinity knows nothing of, then it is as promised for that: fewer faults are noticed, and none does more harm than to
// the bare SDK.
func TestForeignMatrix(t *testing.T) {
	t.Parallel()
	some := slices.DeleteFunc(slices.Clone(workloads), func(w workload) bool {
		return !slices.Contains([]string{"S3 put", "S3 put of a stream", "SQS send"}, w.name)
	})
	rows := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return f.client != nil })
	results := newTable(rows, some)
	t.Run("cells", func(t *testing.T) {
		for _, w := range some {
			for _, retries := range []bool{true, false} {
				for _, f := range rows {
					c := cell{fault: f, workload: w, retries: retries, foreign: true}
					t.Run(c.name(), func(t *testing.T) {
						t.Parallel()
						c.compare(t, results)
					})
				}
			}
		}
	})
	t.Logf("\n%s", results)
	if !t.Failed() {
		results.document(t, 1)
	}
}

// atMost is how often a request may be executed that the bare SDK has executed so often: once, if that has none of it.
func (r *result) atMost() int {
	if r == nil {
		return 1
	}
	return max(1, r.executed)
}

func (c cell) name() string {
	name := c.fault.name + "/" + c.workload.name
	if c.http2 {
		name += "/HTTP2"
	} else {
		name += "/HTTP1"
	}
	if !c.retries {
		name += "/retries off"
	}
	return name
}

func (c cell) compare(t *testing.T, results *table) {
	var bare *result
	if !c.fault.unquick {
		r := c.run(t, false)
		bare = &r
	}
	for _, c.met = range []bool{false, true} {
		if c.met && !c.canMeet() {
			break
		}
		want := expect(c.fault, c.workload, c.retries, c.http2)
		if c.foreign {
			want = lesser(want, c.fault)
		}
		got := c.run(t, true)
		where := ""
		if c.met {
			where = "met again: "
		}
		t.Logf("%sgot %+v, want %+v, bare SDK %+v", where, got, want, bare)
		switch want.outcome {
		case answered:
			if !got.answered {
				t.Errorf("%sgot error %q, want an answer", where, got.err)
			}
		case asBare:
			if bare == nil || got.answered != bare.answered || got.err != bare.err {
				t.Errorf("%sgot answer: %v, error %q; want as the bare SDK: %+v", where, got.answered, got.err, bare)
			}
		case deadlined:
			if got.err != "deadline" || got.took < c.fault.deadline()*99/100 {
				t.Errorf("%sgot answer: %v, error %q after %v; want it left to the caller's deadline", where, got.answered, got.err, got.took)
			}
		}
		least, most := want.executed, want.executed
		switch {
		case want.outcome == either:
			least, most = 1, attempts
		}
		if got.executed < least || got.executed > most {
			t.Errorf("%sexecuted %d times, want %d to %d", where, got.executed, least, most)
		}
		if want.outcome != either && got.executed > bare.atMost() {
			t.Errorf("%sexecuted %d times, the bare SDK's request only %d", where, got.executed, bare.executed)
		}
		if got.took > want.within {
			t.Errorf("%stook %v, want at most %v", where, got.took, want.within)
		}
		results.add(c, want, got, bare)
	}
}

// run makes the call, as a program in the home zone does.
func (c cell) run(t *testing.T, routed bool) result {
	t.Helper()
	p := newPlace(t, lab.Options{Endpoints: []lab.Endpoint{{Service: c.workload.service}}, HTTP2: c.http2})
	switch {
	case !routed:
		p.config = p.direct(c.workload.service, home)
	case c.fault.client != nil:
		p.config = c.fault.client(p)
	case c.foreign:
		p.config = attachTo(p, p.resolver, p.HTTPClient())
	default:
		p.config = p.attached()
	}
	p.config.Retryer = quick
	p.config.RetryMaxAttempts = 1
	if c.retries {
		p.config.RetryMaxAttempts = attempts
	}
	if c.fault.kept {
		p.warm(t, c.workload.service)
	}
	switch {
	case c.untried():
		p.next(t, c.workload.service, away) // which is the regional name's first answer
	case c.met && c.fault.kept:
		p.next(t, c.workload.service, home)
	case c.met:
		p.next(t, c.workload.service, farthest) // for the zonal name's question; the regional one's is next
	default:
		p.next(t, c.workload.service, home)
	}
	p.ResetRequests()
	set := func(f lab.Fault) {
		if err := p.FaultService(c.workload.service, home, f); err != nil {
			t.Error(err)
		}
	}
	set(c.fault.is)
	var ended sync.WaitGroup
	defer ended.Wait()
	if c.fault.kind == slow {
		ended.Go(func() {
			time.Sleep(slowFor) // the service's time is real, as the network's is
			set(lab.None)
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), c.fault.deadline())
	defer cancel()
	start := time.Now()
	metadata, err := c.workload.call(ctx, p)
	got := result{answered: err == nil, err: kindOf(ctx, err), took: time.Since(start)}
	if got.answered && routed && c.fault.kind == unreached && c.fault.client == nil && !c.untried() {
		c.checkRoute(t, p, metadata)
	}
	for _, e := range p.Executions() {
		if e.Operation == c.workload.operation {
			got.executed++
		}
	}
	if got.answered && c.workload.check != nil {
		c.workload.check(t, p)
	}
	return got
}

// untried reports whether the request isn't one to try a name that nobody has connected to yet: it goes to the regional name.
func (c cell) untried() bool { return c.foreign && c.workload.readOnce && c.fault.kind == unreached }

// canMeet reports whether the request may come to the same front end by another name: it is sent by another name, and that is the front end's fault.
func (c cell) canMeet() bool {
	return !c.foreign && c.fault.strikesZone() && (c.fault.kind == unreached || c.retries && !c.workload.readOnce)
}

// kindOf is what an error says, as far as its caller cares.
func kindOf(ctx context.Context, err error) string {
	var (
		status interface{ HTTPStatusCode() int }
		dns    *net.DNSError
		cert   *tls.CertificateVerificationError
	)
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil:
		return "deadline"
	case strings.Contains(err.Error(), "failed to rewind"):
		return "can't be rewound"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host"
	case errors.As(err, &dns):
		return "DNS"
	case errors.As(err, &cert):
		return "certificate"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &status) && status.HTTPStatusCode() >= http.StatusInternalServerError:
		return strconv.Itoa(status.HTTPStatusCode())
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "broken"
	}
	return err.Error()
}

// checkRoute looks at what a call that failed over says of its way, and what the resolver thinks of the name afterwards.
func (c cell) checkRoute(t *testing.T, p *place, metadata smithymiddleware.Metadata) {
	t.Helper()
	route, ok := middleware.RouteFrom(metadata)
	if !ok || route.Reason != resolver.FailedOver || route.Target != resolver.Regional || route.Cause != c.fault.cause {
		t.Errorf("got route %+v, want Regional, FailedOver because of %v", route, c.fault.cause)
	}
	proves := c.fault.cause == resolver.CauseAbsent || c.fault.cause == resolver.CauseCertificate
	// What is wrong with a name is held against the very host.
	name := strings.Replace(p.RegionalName(c.workload.service), "*.", "photos.bucket.", 1)
	if got := p.resolver.Resolve(name).Reason; (got == resolver.Unhealthy) != proves {
		t.Errorf("afterwards the name is %v; ejected at once: want %v", got, proves)
	}
}
