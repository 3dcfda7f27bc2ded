package paths

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// row is a fault and the calls under it. play makes both, once for the bare SDK and once for azaffinity, each with a site of its own; want compares
// what came of it with what is promised, and shows of the bare SDK that the fault was one.
type row struct {
	name  string
	proto proto
	long  bool // takes too long for every run
	spec  spec // of both callers; an empty Kind is the bare SDK with the regional name
	warm  int  // calls that were made before, at the same time
	play  func(*testing.T, *caller) result
	want  func(t *testing.T, bare, ours result)
}

// result is what came of a row's calls.
type result struct {
	calls       []outcome
	executions  map[string][]execution // by call
	connections int                    // accepted by the servers
	fault       time.Time              // when it began
	cores       float64                // processors used meanwhile
	ejected     bool                   // calls left the zonal name
	returned    time.Time              // and came back
}

// result has what the servers know of the calls, too.
func (c *caller) result(calls []outcome) result {
	r := result{calls: calls, executions: map[string][]execution{}, connections: c.site.service.accepted()}
	for _, o := range calls {
		r.executions[o.Name] = c.site.service.of(o.Name)
	}
	return r
}

func (r result) failed() (n int) {
	for _, o := range r.calls {
		if o.Err != "" {
			n++
		}
	}
	return n
}

func (r result) executed() (n int) {
	for _, e := range r.executions {
		n += len(e)
	}
	return n
}

// twice counts the calls that were executed more than once.
func (r result) twice() (n int) {
	for _, e := range r.executions {
		if len(e) > 1 {
			n++
		}
	}
	return n
}

func (r result) longest() (d time.Duration) {
	for _, o := range r.calls {
		d = max(d, o.took())
	}
	return d
}

// pace is how much runs at the same time.
type pace int

const (
	abreast pace = iota // all rows
	paired              // the two callers of a row
	single              // one caller
)

// runRows runs the rows, each with the bare SDK and with azaffinity.
func runRows(t *testing.T, at pace, rows []row) {
	t.Helper()
	need(t)
	for _, r := range rows {
		t.Run(strings.ReplaceAll(r.name, " ", "_")+"/"+string(r.proto), func(t *testing.T) {
			if r.long && !long() {
				t.Skipf("takes long: %s=long", extent)
			}
			if at == abreast {
				t.Parallel()
			}
			if r.spec.Kind == "" {
				r.spec.Kind = bare
			}
			r.spec.Clear = r.proto == h2c
			if r.spec.Service == "" {
				r.spec.Service = "sqs"
			}
			var yardstick, ours result
			callers := func(t *testing.T) {
				for who, got := range map[kind]*result{r.spec.Kind: &yardstick, azaffinity: &ours} {
					t.Run(string(who), func(t *testing.T) {
						if at != single {
							t.Parallel()
						}
						s := r.spec
						s.Kind = who
						*got = r.play(t, newWarmCaller(t, r.proto, s, r.warm))
					})
				}
			}
			if !t.Run("calls", callers) {
				return
			}
			results.add(r, yardstick, ours)
			wantSentOnce(t, r.spec.Kind, yardstick)
			wantSentOnce(t, azaffinity, ours)
			r.want(t, yardstick, ours)
		})
	}
}

// wantAnswered: each call was answered in time, and executed once.
func wantAnswered(t *testing.T, who string, r result, limit time.Duration) {
	t.Helper()
	wantNoFailure(t, who, r, limit)
	wantExecuted(t, who, r, 1, 1)
}

func wantNoFailure(t *testing.T, who string, r result, limit time.Duration) {
	t.Helper()
	if n := r.failed(); n > 0 {
		t.Errorf("%s: %d of %d calls failed, want none: %s", who, n, len(r.calls), r.errors())
	}
	if got := r.longest(); got > limit {
		t.Errorf("%s: a call took %v, want at most %v", who, got.Round(time.Millisecond), limit)
	}
}

// wantExecuted: each call was executed at least and at most so many times.
func wantExecuted(t *testing.T, who string, r result, least, most int) {
	t.Helper()
	wrong := ""
	n := 0
	for call, e := range r.executions {
		if len(e) < least || len(e) > most {
			n++
			wrong = call + ":"
			for _, x := range e {
				wrong += fmt.Sprintf(" %s %s", x.zone, x.attempt)
			}
		}
	}
	if n > 0 {
		t.Errorf("%s: %d of %d calls were not executed %d to %d times, such as %s", who, n, len(r.executions), least, most, wrong)
	}
}

// wantSentOnce: within one attempt of the SDK's, no request was executed twice. What may have arrived is not sent again by others than the SDK.
func wantSentOnce(t *testing.T, who kind, r result) {
	t.Helper()
	type sent struct{ invocation, attempt string }
	for call, executions := range r.executions {
		times := map[sent]int{}
		for _, e := range executions {
			times[sent{e.invocation, e.attempt}]++
		}
		for s, n := range times {
			if n > 1 || s.invocation == "" {
				t.Errorf("%s: %s was executed %d times in %s of invocation %q, want once", who, call, n, s.attempt, s.invocation)
			}
		}
	}
}

// wantDeadline: each call ended with its caller's deadline, no sooner, after one attempt.
func wantDeadline(t *testing.T, who string, r result, deadline time.Duration) {
	t.Helper()
	for _, o := range r.calls {
		if !o.Late || o.took() < deadline-50*time.Millisecond || o.took() > deadline+2*time.Second || len(o.Attempts) > 1 {
			t.Errorf("%s: %s took %v in %d attempts, error %q; want its deadline of %v", who, o.Name, o.took().Round(time.Millisecond), len(o.Attempts), o.Err, deadline)
		}
	}
}

// wantEnded: attempts that failed did so within the limit of the fault, or of their own beginning if that was later.
func wantEnded(t *testing.T, who string, r result, limit time.Duration) {
	t.Helper()
	longest := time.Duration(0)
	for _, o := range r.calls {
		for _, a := range o.Attempts {
			from := a.Start
			if r.fault.After(from) {
				from = r.fault
			}
			if a.Err != "" {
				longest = max(longest, a.End.Sub(from))
			}
		}
	}
	if longest > limit {
		t.Errorf("%s: an attempt took %v to fail, want at most %v", who, longest.Round(time.Millisecond), limit)
	}
}

// errors are the different ones, each with how many calls it is of. What differs by call, such as an address's port, makes them different.
func (r result) errors() string {
	counts := map[string]int{}
	for _, o := range r.calls {
		if o.Err != "" {
			counts[o.Err]++
		}
	}
	var texts []string
	for text, n := range counts {
		texts = append(texts, fmt.Sprintf("%d× %s", n, text))
	}
	slices.Sort(texts)
	if len(texts) > 3 {
		texts = append(texts[:3], "…")
	}
	return strings.Join(texts, "; ")
}

// table is what came of all rows.
type table struct {
	mu    sync.Mutex
	lines []string
}

var results table

func (t *table) add(r row, yardstick, ours result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := fmt.Sprintf("%s, %s\t%s", r.name, r.proto, r.spec.Kind)
	for _, got := range []result{yardstick, ours} {
		line += fmt.Sprintf("\t%d of %d\t%d\t%d\t%d\t%.2fs", got.failed(), len(got.calls), got.executed(), got.twice(), got.connections, got.longest().Seconds())
		if got.cores > 0 {
			line += fmt.Sprintf(", %.3f cores", got.cores)
		}
	}
	t.lines = append(t.lines, line)
}

func (t *table) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return
	}
	slices.Sort(t.lines)
	const columns = "\tfailed\texecutions\ttwice\tconnections\tlongest"
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "scenario\tyardstick"+columns+strings.ReplaceAll(columns, "\t", "\tours: "))
	for _, line := range t.lines {
		fmt.Fprintln(tw, line)
	}
	_ = tw.Flush()
}
