package failover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware/dialer"
)

// counted is a request's body that counts what is done to it.
type counted struct {
	io.Reader
	read   atomic.Int64 // bytes
	closed atomic.Int64 // times
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c *counted) Close() error { c.closed.Add(1); return nil }

// bodyKind is what a program puts with.
type bodyKind int

const (
	onceOnly bodyKind = iota // it can't be had twice
	again                    // GetBody has it once more
	failing                  // it fails on the way
	late                     // it comes a little later
	bodyKinds
)

func (k bodyKind) String() string {
	return [...]string{"once", "again", "failing", "late"}[k]
}

var errBody = errors.New("the disk is gone")

// upload is one PUT, and what became of its bodies.
type upload struct {
	kind   bodyKind
	mu     sync.Mutex
	bodies []*counted
}

func (u *upload) body() *counted {
	content := io.Reader(bytes.NewReader(payload))
	switch u.kind {
	case failing:
		content = io.MultiReader(bytes.NewReader(payload[:100]), iotestErr{})
	case late:
		content = &lateReader{Reader: content, by: 50 * time.Millisecond}
	}
	b := &counted{Reader: content}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.bodies = append(u.bodies, b)
	return b
}

// iotestErr fails.
type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errBody }

// lateReader has nothing to say at first.
type lateReader struct {
	io.Reader
	by   time.Duration
	once sync.Once
}

func (l *lateReader) Read(p []byte) (int, error) {
	l.once.Do(func() { time.Sleep(l.by) })
	return l.Reader.Read(p)
}

// request is the PUT.
func (u *upload) request(ctx context.Context, url, id string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, u.body())
	if err != nil {
		panic(err) // it is one of ours
	}
	req.ContentLength = int64(len(payload))
	if u.kind == again {
		req.GetBody = func() (io.ReadCloser, error) { return u.body(), nil }
	}
	req.Header.Set("Amz-Sdk-Invocation-Id", id)
	return req
}

// closes is how often each body was closed, at the least and at the most, once net/http has got round to it.
func (u *upload) closes() (least, most int64) {
	for range 200 {
		u.mu.Lock()
		least, most = u.bodies[0].closed.Load(), 0
		for _, b := range u.bodies {
			least, most = min(least, b.closed.Load()), max(most, b.closed.Load())
		}
		u.mu.Unlock()
		if least > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return least, most
}

// do sends a request and reads its answer.
func do(client *http.Client, req *http.Request) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return statusError(resp.StatusCode)
	}
	return nil
}

// Given each kind of body in each fault, when it is put through the dialer, then it is closed as often as by a bare client, sent no more than once, and what is
// known not to have been sent arrives elsewhere, whole.
func TestBodiesOfPlainClients(t *testing.T) {
	t.Parallel()
	for _, fault := range []lab.Fault{lab.None, lab.Refuse, lab.BlackHole, lab.WrongCertificate, lab.Reset, lab.ResetAfter(0), lab.Unavailable, lab.Stall} {
		for kind := range bodyKinds {
			for _, http2 := range []bool{false, true} {
				for _, expect := range []bool{false, true} {
					name := fmt.Sprintf("%v/%v/%s", fault, kind, protocol(http2))
					if expect {
						name += "/100 Continue"
					}
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						putOnce(t, fault, kind, http2, expect)
					})
				}
			}
		}
	}
}

func putOnce(t *testing.T, fault lab.Fault, kind bodyKind, http2, expect bool) {
	p := newS3Place(t, http2)
	u := p.presign(t, false)
	client := p.plainClient(t, p.transport(1))
	p.comeBack(t, u, client, returning)
	p.disconnect(t, client)
	bare := p.bareClient(t, p.transport(1))
	if err := p.FaultService("s3", home, fault); err != nil {
		t.Fatal(err)
	}
	one := func(client *http.Client) (put *upload, executed int, err error) {
		p.ResetRequests()
		ctx, cancel := context.WithTimeout(t.Context(), map[bool]time.Duration{true: time.Second, false: 15 * time.Second}[fault == lab.Stall])
		defer cancel()
		put = &upload{kind: kind}
		req := put.request(ctx, u.put.URL, fmt.Sprint("put ", invocation.Add(1)))
		if expect {
			req.Header.Set("Expect", "100-continue")
		}
		err = do(client, req)
		return put, len(p.Executions()), err
	}
	put, n, err := one(client)
	unreached := fault == lab.None || fault == lab.Refuse || fault == lab.BlackHole || fault == lab.WrongCertificate
	switch {
	case kind == failing && !errors.Is(err, errBody) && (unreached || fault == lab.Stall) && !http2:
		t.Errorf("got %v, want the body's own error", err)
	case kind == failing && n > 0:
		t.Errorf("half a body was executed %d times", n)
	case kind != failing && unreached && (err != nil || n != 1):
		t.Errorf("executed %d times, with error %v; want an answer", n, err)
	case !unreached && err == nil && p.Requests()[home] > 0: // on a busy machine it may have gone elsewhere, unsent
		t.Error("answered by a zone with a fault")
	}
	if n > 1 {
		t.Errorf("executed %d times", n)
	}
	least, most := put.closes()
	if least != 1 || most != 1 {
		p.next(t, "s3", home)
		other, _, _ := one(bare)
		if fewest, times := other.closes(); least < 1 || most > max(1, times) {
			t.Errorf("a body was closed %d to %d times; by a bare client %d to %d times", least, most, fewest, times)
		}
	}
	for _, b := range put.bodies {
		if b.read.Load() > int64(len(payload)) {
			t.Errorf("%d bytes of %d were read", b.read.Load(), len(payload))
		}
	}
	if kind == onceOnly && len(put.bodies) != 1 {
		t.Errorf("%d bodies", len(put.bodies))
	}
	if s := p.state("s3"); kind == failing && unreached && fault == lab.None && (s.Ejected || !s.LastAt.IsZero()) {
		t.Errorf("a body's own error is held against the zone: %+v", s)
	}
}

// Given a zone with one fault after the other, when plain clients send whatever they like, and give up when they like, then nothing is executed twice, every body is closed
// as it should be, every answer is the right one, and in the end nothing is left running.
func TestRandomPlainClients(t *testing.T) {
	before := goleak.IgnoreCurrent()
	for _, http2 := range []bool{false, true} {
		t.Run(protocol(http2), func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			roam(t, http2, seed)
		})
	}
	goleak.VerifyNone(t, before)
}

// restless are faults that come and go.
var restless = []lab.Fault{
	lab.Refuse, lab.BlackHole, lab.Hang, lab.WrongCertificate, lab.Reset, lab.ResetAfter(0), lab.Unavailable, lab.Stall, lab.DNSAbsent, lab.DNSServerFailure,
	lab.ServerError(http.StatusInternalServerError), lab.Throttle, lab.PauseReading, lab.DropSYN,
}

func roam(t *testing.T, http2 bool, seed uint64) {
	const (
		callers = 12
		lasts   = 4 * time.Second
	)
	p := newS3Place(t, http2)
	urls := []presigned{p.presign(t, false), p.presign(t, true)}
	d := dialer.New(p.resolver, dialer.WithNetResolver(p.Resolver()))
	client := &http.Client{Transport: d.RoundTripper(p.transport(4))}
	defer client.CloseIdleConnections()
	ended := time.Now().Add(lasts)
	var running sync.WaitGroup
	running.Go(func() {
		random := rand.New(rand.NewPCG(seed, 0))
		for time.Now().Before(ended) {
			fault := restless[random.IntN(len(restless))]
			if random.IntN(3) == 0 {
				fault = lab.None
			}
			if err := p.FaultService("s3", home, fault); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		}
	})
	var (
		mu               sync.Mutex
		puts             []*upload
		answered, failed int
		methods          sync.Map
	)
	for n := range callers {
		running.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(n+1)))
			for time.Now().Before(ended) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				if random.IntN(4) == 0 {
					time.AfterFunc(time.Duration(random.IntN(60))*time.Millisecond, cancel)
				}
				u := urls[random.IntN(2)]
				id := fmt.Sprint("random ", invocation.Add(1))
				var err error
				if random.IntN(2) == 0 {
					_, err = u.send(ctx, client, http.MethodGet, id)
					methods.Store(id, http.MethodGet)
				} else {
					put := &upload{kind: bodyKind(random.IntN(int(bodyKinds)))}
					req := put.request(ctx, u.put.URL, id)
					if random.IntN(4) == 0 {
						req.Header.Set("Expect", "100-continue")
					}
					err = do(client, req)
					mu.Lock()
					puts = append(puts, put)
					mu.Unlock()
					if err == nil && put.kind == failing {
						t.Error("half a body was taken for a whole one")
					}
				}
				if err != nil && strings.Contains(err.Error(), "that are not the object") {
					t.Error(err)
				}
				mu.Lock()
				if err == nil {
					answered++
				} else {
					failed++
				}
				mu.Unlock()
				cancel()
			}
		})
	}
	running.Wait()
	if err := p.FaultService("s3", home, lab.None); err != nil {
		t.Error(err)
	}
	t.Logf("%d answered, %d failed", answered, failed)
	if answered == 0 || failed == 0 {
		t.Errorf("%d answered and %d failed: there was nothing to see", answered, failed)
	}
	times := map[string]int{}
	for _, e := range p.Executions() {
		times[e.Invocation]++
		if _, get := methods.Load(e.Invocation); times[e.Invocation] > 1 && !get { // net/http sends those again
			t.Errorf("executed twice: %+v", e)
		}
	}
	for _, put := range puts {
		if least, most := put.closes(); least != 1 || most != 1 {
			t.Errorf("a body (%v) was closed %d to %d times", put.kind, least, most)
		}
	}
	client.CloseIdleConnections()
	if err := p.resolver.Close(); err != nil {
		t.Error(err)
	}
}

// Given callers who cancel, or whose deadline is over, when they do, then their call ends at once with that, and nothing is held against the zone.
func TestPlainClientsThatGiveUp(t *testing.T) {
	t.Parallel()
	for _, fault := range []lab.Fault{lab.Stall, lab.BlackHole, lab.Hang} {
		for _, http2 := range []bool{false, true} {
			t.Run(fault.String()+"/"+protocol(http2), func(t *testing.T) {
				t.Parallel()
				p := newS3Place(t, http2)
				u := p.presign(t, false)
				client := p.plainClient(t, p.transport(1))
				p.comeBack(t, u, client, returning)
				if fault != lab.Stall {
					p.disconnect(t, client)
				}
				if err := p.FaultService("s3", home, fault); err != nil {
					t.Fatal(err)
				}
				for i := range 8 {
					ctx, cancel := context.WithCancel(t.Context())
					defer time.AfterFunc(30*time.Millisecond, cancel).Stop()
					begun := time.Now()
					_, err := u.send(ctx, client, []string{http.MethodGet, http.MethodPut}[i%2], "given up")
					if !errors.Is(err, context.Canceled) || time.Since(begun) > time.Second {
						t.Errorf("after %v: %v, want that it was cancelled", time.Since(begun), err)
					}
				}
				if s := p.state("s3"); s.Ejected || s.Ejections > 0 {
					t.Errorf("the snapshot says %+v, want nothing against the name", s)
				}
				over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
				defer cancel()
				if _, err := u.send(over, client, http.MethodGet, "over"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want the deadline's error", err)
				}
			})
		}
	}
}
