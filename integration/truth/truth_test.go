package truth

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/debug"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil { // cells wait, more than they work
		panic(err)
	}
	os.Exit(m.Run())
}

// calls is how many tell: if they go to the zonal name, enough to have it ejected, and for one call after that.
func (p *process) calls(m resolver.Mode) int {
	if m == resolver.Prefer && p.reason == resolver.InZone {
		return 5
	}
	return 2
}

// Given a fault, a mode and something that is not known, when calls are made, then each goes where snapshot, JSON, page and Resolve said just before that the next
// one would go.
func TestTruth(t *testing.T) {
	for _, f := range faults {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			l := startLab(t, f)
			for _, k := range all {
				for _, m := range modes {
					t.Run(fmt.Sprintf("%v/%s", m, k.name), func(t *testing.T) {
						t.Parallel()
						compare(t, start(t, l, k, m), m)
					})
				}
			}
		})
	}
}

func compare(t *testing.T, p *process, m resolver.Mode) {
	shown, sent, wentHome := said{}, uint64(0), uint64(0)
	for call := range p.calls(m) {
		before := p.says(t)
		if before != shown || call == 0 {
			p.checkPage(t, before)
			shown = before
		}
		if m == resolver.Prefer {
			p.checkReason(t, before)
		}
		went := p.call(t)
		if went.first == "" { // the deadline was over before it came to be sent
			continue
		}
		sent++
		if went.first == p.zonal {
			wentHome++
		}
		if went.said != before { // something came up in the background meanwhile
			continue
		}
		p.checkCall(t, before, went)
		if t.Failed() {
			t.Fatalf("call %d: it said %+v; the call went %+v", call+1, before, went)
		}
	}
	p.checkCounts(t, m, sent)
	p.checkMetrics(t, m, wentHome, uint64(p.calls(m))-sent)
}

// said is where the next request goes, by the resolver's own words.
type said struct {
	known  bool // the endpoint
	inUse  bool
	target resolver.Target
	reason resolver.Reason
}

// says asks the snapshot, and compares it with what Resolve says.
func (p *process) says(t *testing.T) said {
	t.Helper()
	s, route := p.resolver.Snapshot(), p.resolver.Resolve(p.asked())
	if again := p.resolver.Snapshot(); len(again.Endpoints) != len(s.Endpoints) || len(s.Endpoints) > 0 && again.Endpoints[0].Ejected != s.Endpoints[0].Ejected {
		return p.says(t) // it was learned, or ejected, just now
	}
	if len(s.Endpoints) == 0 {
		return said{reason: route.Reason}
	}
	e := s.Endpoints[0]
	target := route.Target
	if route.Observed != "" || e.Observed != resolver.Unmatched && route.Host == p.asked() {
		target = resolver.Unmatched
	}
	if e.Target != target || e.Reason != route.Reason || e.InUse != (route.Host == p.zonal) {
		t.Errorf("the snapshot says %v, %v, in use: %v; the route is %v", e.Target, e.Reason, e.InUse, route)
	}
	if e.Ejected && e.InUse {
		t.Error("a name that is ejected is in use")
	}
	return said{true, e.InUse, e.Target, e.Reason}
}

// checkReason compares the reason with the one that there has to be, and looks for the problem that has to be named.
func (p *process) checkReason(t *testing.T, s said) {
	t.Helper()
	if s.reason != p.reason && (p.reason != resolver.InZone || s.reason != resolver.Unhealthy) {
		t.Errorf("the reason is %v, want %v", s.reason, p.reason)
	}
	problems := p.resolver.Snapshot().Problems
	if p.problem != "" && !slices.ContainsFunc(problems, func(x resolver.Problem) bool { return x.Code == p.problem && x.What != "" }) {
		t.Errorf("the problems are %v, want %s among them", problems, p.problem)
	}
	if fine := s.inUse || s.reason == resolver.FreePath; !fine && len(problems) == 0 {
		t.Errorf("requests don't go to the zone, and no problem is named")
	}
}

// checkPage compares page and JSON with the snapshot.
func (p *process) checkPage(t *testing.T, want said) {
	t.Helper()
	var told struct {
		Mode      string
		Problems  []struct{ What string }
		Endpoints []struct {
			InUse          bool
			Target, Reason string
		}
	}
	if err := json.Unmarshal(p.ask("application/json"), &told); err != nil {
		t.Fatal(err)
	}
	page := string(p.ask("text/html"))
	for _, problem := range told.Problems {
		if !strings.Contains(page, strings.ReplaceAll(problem.What, "'", "&#39;")) {
			t.Errorf("the page doesn't say: %s", problem.What)
		}
	}
	if len(told.Endpoints) == 0 {
		if want.known || !strings.Contains(page, "0 of 0 in use") {
			t.Error("JSON or page don't have the endpoint")
		}
		return
	}
	e, inUse := told.Endpoints[0], strings.Contains(page, "1 of 1 in use") && strings.Contains(page, ">in use</span> to the zonal name: <code>"+p.zonal)
	if e.InUse != want.inUse || e.Target != want.target.String() || e.Reason != want.reason.String() || inUse != want.inUse {
		if p.says(t) == want {
			t.Errorf("the snapshot says %+v; JSON says %+v; on the page, in use: %v", want, e, inUse)
		}
	}
	if well := strings.Contains(page, "<h1>Requests stay in "+home+"</h1>"); well && !want.inUse && want.reason != resolver.FreePath {
		t.Error("the page says that all is well")
	}
}

func (p *process) ask(accept string) []byte {
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Accept", accept)
	answer := httptest.NewRecorder()
	debug.Handler(p.resolver).ServeHTTP(answer, request)
	return answer.Body.Bytes()
}

// witness sees a call where it is handed to the HTTP client.
type witness struct {
	first      string // host
	invocation string
	said       said // by the resolver at that moment
}

func (p *process) call(t *testing.T) witness {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), p.deadline)
	defer cancel()
	w := witness{}
	see := smithymiddleware.DeserializeMiddlewareFunc("witness", func(ctx context.Context, in smithymiddleware.DeserializeInput, next smithymiddleware.DeserializeHandler) (
		smithymiddleware.DeserializeOutput, smithymiddleware.Metadata, error,
	) {
		if req, ok := in.Request.(*smithyhttp.Request); ok && w.first == "" {
			w.first, w.invocation, w.said = req.URL.Host, req.Header.Get("Amz-Sdk-Invocation-Id"), p.says(t)
		}
		return next.HandleDeserialize(ctx, in)
	})
	out, err := sqs.NewFromConfig(p.config).ListQueues(ctx, &sqs.ListQueuesInput{}, func(o *sqs.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *smithymiddleware.Stack) error { return stack.Deserialize.Add(see, smithymiddleware.After) })
	})
	if err == nil {
		p.checkExecution(t, w, out.ResultMetadata)
	}
	return w
}

// checkExecution compares the route on a call's result with what the lab saw.
func (p *process) checkExecution(t *testing.T, w witness, metadata smithymiddleware.Metadata) {
	t.Helper()
	route, _ := middleware.RouteFrom(metadata)
	for _, x := range p.Executions() {
		if x.Invocation != w.invocation {
			continue
		}
		if x.Host != route.Host || (x.Host == p.zonal) != (route.Target == resolver.Zonal && route.Observed == "") {
			t.Errorf("executed for %s; the route is %v", x.Host, route)
		}
		if x.Host == p.zonal && x.Zone != home {
			t.Errorf("the zonal name led to %s", x.Zone)
		}
	}
}

// checkCall compares where a call went first with what was said before.
func (p *process) checkCall(t *testing.T, s said, went witness) {
	t.Helper()
	switch {
	case s.inUse != (went.first == p.zonal):
		t.Errorf("in use: %v; the call went to %s", s.inUse, went.first)
	case s.target == resolver.Unmatched && went.first != p.asked():
		t.Errorf("it was to stay as it was; the call went to %s", went.first)
	case s.target == resolver.Regional && went.first != p.regional && went.first != p.asked():
		t.Errorf("it was to go to the regional name; the call went to %s", went.first)
	}
}

// checkCounts compares what is counted with what was sent, and looks for the host among those without an endpoint.
func (p *process) checkCounts(t *testing.T, m resolver.Mode, sent uint64) {
	t.Helper()
	s, counted, byHost := p.resolver.Snapshot(), uint64(0), uint64(0)
	for _, e := range append(s.Endpoints, resolver.EndpointState{RecentAttempts: s.RecentUnmatched}) {
		for reason, n := range e.RecentAttempts {
			counted += n
			if reason == resolver.FailedOver { // within a call
				counted -= n
			}
		}
	}
	for _, h := range s.UnmatchedHosts {
		if h.Host != host {
			t.Errorf("%s has no endpoint, it says", h.Host)
		}
		byHost += h.Attempts
	}
	if calls := uint64(p.calls(m)); counted < sent || counted > calls {
		t.Errorf("%d requests are counted, want %d to %d", counted, sent, calls)
	}
	if want := p.reason == resolver.NoEndpoint && m != resolver.Off; want != (byHost > 0) || want && byHost != counted {
		t.Errorf("%d requests for the host are counted as without an endpoint, of %d; want so: %v", byHost, counted, want)
	}
}
