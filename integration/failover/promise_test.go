package failover

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const (
	// extent is the environment variable that, if it is "long", has the rows run that take minutes, too.
	extent   = "AZAFFINITY_FAILOVER"
	together = 64 // cells of the promise table at a time: they wait more than they work
	busy     = 32 // of those that work: one with a crowd counts as several

	blackHoleCost = 300 * time.Millisecond // of a call that can go elsewhere
	returning     = 15 * time.Second       // to be back in the zone after the repair
)

// promise is one fault under one load of presigned requests.
type promise struct {
	fault fault
	http2 bool
	cold  bool // the fault is there before the first request
	crowd
	private bool // the URLs have S3's own host; otherwise the endpoint's regional name
	yard    bool // measure the bare client, too, whose every wait is its own
}

func (c promise) name() string {
	name := c.fault.name + "/" + protocol(c.http2) + "/" + c.crowd.String()
	if c.private {
		name += "/private DNS"
	} else {
		name += "/regional name"
	}
	if c.cold {
		name += "/from the start"
	}
	return name
}

// promises are the cells, those first that take longest, and the largest crowds, which work alone, before others that work. The quick ones have every fault over both
// protocols, and every number of callers.
func promises(long bool) (cells []promise) {
	each := map[int]int{1: 12, 16: 6, 128: 3}
	n := 0
	for _, f := range faults {
		if f.client != nil {
			continue // that is an SDK's client
		}
		for _, callers := range []int{1, 16, 128} {
			for _, http2 := range []bool{false, true} {
				for _, private := range []bool{false, true} {
					for _, cold := range []bool{false, true} {
						if cold && f.kind != unreached {
							continue
						}
						n++
						c := promise{f, http2, cold, crowd{callers: callers, calls: each[callers], deadline: f.deadline()}, private, long || !f.unquick}
						if long || c.quick() {
							cells = append(cells, c)
						}
					}
				}
			}
		}
	}
	slices.SortStableFunc(cells, func(a, b promise) int { return cmp.Compare(a.turn(), b.turn()) })
	return cells
}

// turn is when the cell begins.
func (c promise) turn() int {
	switch {
	case c.fault.kind == unanswered:
		return 0
	case c.weight() == busy:
		return 1
	case c.fault.kind == silent:
		return 2
	}
	return 3
}

// quick reports whether the cell is one of those that are always run. Every fault has each protocol, and each name.
func (c promise) quick() bool {
	odd := slices.IndexFunc(faults, func(f fault) bool { return f.name == c.fault.name })%2 == 1
	switch c.callers {
	case 1:
		return c.private == (c.http2 != odd) && (!c.cold || c.http2 != odd)
	case 16:
		return !c.cold && c.http2 != odd && c.private != odd && slices.Contains([]string{
			"none", "connection refused", "black hole", "another's certificate", "reset before the answer", "black hole under a connection",
			"stall with a deadline", "503 without a request id", "503 with a request id",
		}, c.fault.name)
	}
	return !c.cold && !c.private && c.http2 == odd && slices.Contains([]string{"none", "black hole", "503 with a request id"}, c.fault.name)
}

// Given each fault in the home zone, when plain clients send presigned requests through the dialer, then none fails in a fault in which a bare client's are answered,
// none is executed more often than a bare client's, and after the repair they are in the zone again within 15 s, with no connection pool drained.
//
// What was sent is not sent again, so a zone that answers wrongly, or not at all, costs some calls before it is left: a handful, or those in flight. The bare client
// leaves by accident: when its connection breaks, DNS may say another zone first; while it holds, all calls fail.
func TestPromisesToPlainClients(t *testing.T) {
	long := os.Getenv(extent) == "long"
	var (
		rows  = &promiseTable{}
		slots = make(chan struct{}, together)
		work  = make(gate, busy)
		cells sync.WaitGroup
	)
	for _, c := range promises(long) {
		slots <- struct{}{}
		leave := work.enter(c.weight())
		cells.Go(func() {
			defer func() { <-slots }()
			defer leave()
			t.Run(c.name(), func(t *testing.T) { c.keep(t, leave, rows) })
		})
	}
	cells.Wait()
	t.Logf("\n%s", rows)
}

// keep runs a cell, and compares it with what is promised. worked is called when there is nothing to do but to wait until it is back in the zone.
func (c promise) keep(t *testing.T, worked func(), rows *promiseTable) {
	var bare *toll
	if c.yard {
		b, _ := c.run(t, worked, false)
		bare = &b
	}
	got, back := c.run(t, worked, true)
	rows.add(c, bare, got, back)
	if most := c.mayFail(bare); got.failed > most {
		t.Errorf("%v; want at most %d failed. Bare: %v", got, most, bare)
	}
	if got.failedPuts < got.failed && c.fault.kind == silent && !c.http2 {
		t.Errorf("%v; want the GETs answered, which net/http sends again over HTTP/1.1", got)
	}
	gets := 1
	if bare != nil {
		gets = max(1, bare.gets)
	}
	if got.puts > 1 || got.gets > gets {
		t.Errorf("a PUT was executed %d times, and a GET %d times; with a bare client %d times", got.puts, got.gets, gets)
	}
	answers := got.calls - got.failed
	if late := got.errs["GET deadline"] + got.errs["PUT deadline"]; c.fault.kind != executed && c.fault.kind != cut && (got.executed < answers || got.executed > answers+late) {
		t.Errorf("%v; want an execution for each answer", got)
	}
	if c.fault.kind == healthy && !got.atHome() {
		t.Errorf("%v; want all in %s", got, home)
	}
}

// mayFail is how many calls may fail.
func (c promise) mayFail(bare *toll) int {
	switch {
	case c.fault.kind == healthy, c.fault.kind == unreached, c.fault.kind == slow:
		return 0
	case c.fault.kind == silent:
		return c.callers // a PUT on each connection
	case bare == nil:
		return load{atOnce: c.callers}.inFlight()
	}
	return max(bare.failed, load{atOnce: c.callers}.inFlight())
}

// run makes the cell's calls through our dialer or without, and says what came of them, and how long after the repair they were in the zone again.
func (c promise) run(t *testing.T, worked func(), ours bool) (got toll, back time.Duration) {
	t.Helper()
	p := newS3Place(t, c.http2)
	client := p.bareClient(t, p.transport(c.callers))
	if ours {
		client = p.plainClient(t, p.transport(c.callers))
	}
	u := p.presign(t, c.private)
	var usual toll
	if !c.cold {
		usual = c.warm(t, p, u, client, ours)
	}
	if !c.fault.kept && c.fault.kind != healthy {
		p.disconnect(t, client)
	}
	if !ours {
		p.next(t, "s3", home) // the unluckiest that it can be
	}
	repair := c.strike(t, p)
	calls := c.crowd.run
	if c.fault.name == "black hole" && c.callers > 16 {
		calls = c.crowd.gather // whose times can be compared with those before
	}
	got = calls(t.Context(), p, u, client)
	repair()
	if !ours {
		return got, 0
	}
	limit := usual.slowest + time.Second
	if c.callers >= 128 {
		limit += 2 * time.Second // their handshakes, when all go elsewhere at once, take two processors a second
	}
	if c.fault.name == "black hole" && !c.cold && got.slowest >= limit {
		t.Errorf("the slowest call took %v in the black hole, and %v before", got.slowest, usual.slowest)
	}
	worked()
	back, proto := p.comeBack(t, u, client, returning)
	if want := map[bool]int{false: 1, true: 2}[c.http2]; proto != want && proto != 0 {
		t.Errorf("after the repair answers come by HTTP/%d", proto)
	}
	return got, back
}

// weight is how many places the cell's work takes.
func (c promise) weight() int {
	if c.fault.kind == unanswered {
		return 0 // it waits for deadlines, one after the other
	}
	return min(1+c.callers/4, busy)
}

// gate lets some work, and has others wait. There is one that enters.
type gate chan struct{}

// enter waits for a place, or for several. leave may be called again.
func (g gate) enter(places int) (leave func()) {
	for range places {
		g <- struct{}{}
	}
	return sync.OnceFunc(func() {
		for range places {
			<-g
		}
	})
}

// warm has connections made before the fault.
func (c promise) warm(t *testing.T, p *place, u presigned, client *http.Client, ours bool) (usual toll) {
	t.Helper()
	if ours {
		p.comeBack(t, u, client, returning) // a busy machine may be late with the first answer of DNS
	}
	p.disconnect(t, client)
	calls := crowd{callers: c.callers, calls: 2, deadline: 15 * time.Second}
	for range 2 {
		got := calls.gather(t.Context(), p, u, client)
		if got.failed > 0 || ours && !got.atHome() {
			t.Errorf("before the fault %v, want all answered, in %s", got, home)
		}
		usual.slowest = max(usual.slowest, got.slowest)
	}
	if c.fault.kept { // all of them have a connection
		if got := calls.run(t.Context(), p, u, client); got.failed > 0 {
			t.Errorf("before the fault %v, want all answered", got)
		}
	}
	return usual
}

// disconnect ends all connections to S3, the place's own and those too that a request wanted that then got another, or whose last request isn't quite over for HTTP/2.
func (p *place) disconnect(t *testing.T, client *http.Client) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		client.CloseIdleConnections()
		p.other.CloseIdleConnections()
		open := 0
		for _, n := range p.OpenConnectionsOf("s3") {
			open += n
		}
		if open == 0 {
			return
		}
		if time.Since(begun) > 5*time.Second {
			t.Fatalf("%d connections are still open", open)
		}
	}
}

// strike begins the fault, and returns what ends it.
func (c promise) strike(t *testing.T, p *place) (repair func()) {
	t.Helper()
	if err := p.FaultService("s3", home, c.fault.is); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	repair = func() {
		once.Do(func() {
			if err := p.FaultService("s3", home, lab.None); err != nil {
				t.Error(err)
			}
		})
	}
	if c.fault.kind == slow {
		timer := time.AfterFunc(slowFor, repair) // the service's time is real, as the network's is
		t.Cleanup(func() { timer.Stop() })
	}
	return repair
}

// promiseTable is what came of the cells, for readers.
type promiseTable struct {
	mu    sync.Mutex
	lines []string
}

func (x *promiseTable) add(c promise, bare *toll, got toll, back time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	without := "-"
	if bare != nil {
		without = fmt.Sprintf("%d, %v", bare.failed, bare.slowest.Round(time.Millisecond))
	}
	x.lines = append(x.lines, fmt.Sprintf("%-90s %4d calls  bare: %-15s ours: %3d, %6v  %v  back after %.1f s",
		c.name(), got.calls, without, got.failed, got.slowest.Round(time.Millisecond), got.errs, back.Seconds()))
}

// String has a line for each cell: its calls, how many failed and the slowest answer, without us and with, and how long after the repair they were back.
func (x *promiseTable) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	slices.Sort(x.lines)
	return strings.Join(x.lines, "\n")
}
