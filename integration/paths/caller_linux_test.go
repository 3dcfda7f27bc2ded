package paths

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// caller is a process that makes calls as it is told.
type caller struct {
	site *site
	kind kind
	cmd  *exec.Cmd
	in   *json.Encoder

	mu      sync.Mutex
	orders  int
	waiting map[int]chan report
	gone    error // why there are no more reports
}

// newCaller starts a caller, which is ready when this returns. It ends with the test.
func newCaller(t *testing.T, s *site, what spec) *caller {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	what.DNS, what.Roots = s.dns.addr, authority().roots
	c := &caller{site: s, kind: what.Kind, cmd: exec.Command(self), waiting: map[int]chan report{}}
	c.cmd.Env = append(os.Environ(), calling+"=1")
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it may not outlive this process, however that ends
	var complaints bytes.Buffer
	c.cmd.Stderr = &complaints
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := startCaller(c.cmd); err != nil {
		t.Fatal(err)
	}
	c.in = json.NewEncoder(in)
	ready := c.expect(0)
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read(out)
	}()
	t.Cleanup(func() {
		_ = in.Close()
		ended := make(chan struct{})
		kill := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
		go func() {
			defer close(ended)
			<-read
			if err := c.cmd.Wait(); err != nil {
				t.Errorf("the caller: %v: %s", err, complaints.Bytes())
			}
		}()
		<-ended
		kill.Stop()
	})
	if err := c.in.Encode(what); err != nil {
		t.Fatal(err)
	}
	c.receive(t, ready)
	return c
}

// startCaller starts the process on a thread that lasts: with another's end, the kernel would take this process's to have come.
func startCaller(cmd *exec.Cmd) error {
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	return <-started
}

var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// read hands the reports to those who wait for them, until the caller ends.
func (c *caller) read(out io.Reader) {
	in := json.NewDecoder(out)
	for {
		var r report
		err := in.Decode(&r)
		c.mu.Lock()
		if err != nil {
			c.gone = fmt.Errorf("the caller's reports end: %w", err)
			for _, reports := range c.waiting {
				close(reports)
			}
			c.waiting = nil
			c.mu.Unlock()
			return
		}
		c.waiting[r.ID] <- r
		delete(c.waiting, r.ID)
		c.mu.Unlock()
	}
}

func (c *caller) expect(id int) chan report {
	c.mu.Lock()
	defer c.mu.Unlock()
	reports := make(chan report, 1)
	if c.waiting == nil {
		close(reports)
		return reports
	}
	c.waiting[id] = reports
	return reports
}

func (c *caller) receive(t *testing.T, reports chan report) report {
	t.Helper()
	r, ok := <-reports
	if !ok {
		t.Fatal(c.gone)
	}
	if r.Err != "" {
		t.Fatal(r.Err)
	}
	return r
}

// start gives an order and returns how to wait for the report.
func (c *caller) start(t *testing.T, o order) func() report {
	t.Helper()
	c.mu.Lock()
	c.orders++
	o.ID = c.orders
	c.mu.Unlock()
	reports := c.expect(o.ID)
	if err := c.in.Encode(o); err != nil {
		t.Fatal(err)
	}
	return func() report {
		t.Helper()
		return c.receive(t, reports)
	}
}

// do gives an order and waits for the report.
func (c *caller) do(t *testing.T, o order) report {
	t.Helper()
	return c.start(t, o)()
}

// warm makes so many calls, which are answered when all have come: the caller has a connection for each then, over HTTP/1.1, and over HTTP/2 as many as
// it takes. Nothing is wrong yet. They begin one after the other: 300 handshakes at once take a small machine longer than the connect timeout.
func (c *caller) warm(t *testing.T, n int) error {
	t.Helper()
	// The last answer, too, has to come well after its request was written: net/http gives a connection up if it doesn't hear of that within 50 ms of the answer
	// (maxWriteWaitBeforeConnReuse), which on a busy machine happens.
	c.site.service.plan("warm", plan{gather: n, hold: 200 * time.Millisecond})
	for _, o := range c.do(t, order{Do: "send", Label: "warm", Calls: n, Every: 5 * time.Millisecond, Deadline: patience}).Calls {
		if o.Err != "" || o.Target != "" && o.Target != "Zonal" {
			return fmt.Errorf("%s, before anything is wrong: route %s, %s, error %q", o.Name, o.Target, o.Reason, o.Err)
		}
	}
	time.Sleep(100 * time.Millisecond) // net/http takes a connection back a moment after its answer was read
	return nil
}

// preparing bounds how many callers start at a time: a machine that is busy with that would be a fault of its own for those whose fault has begun.
var preparing = make(chan struct{}, 2)

// newWarmCaller is a caller, with a site of its own, that has made so many calls already. On a machine with other things to do it may take another.
func newWarmCaller(t *testing.T, p proto, what spec, warm int) *caller {
	t.Helper()
	preparing <- struct{}{}
	defer func() { <-preparing }()
	for tries := 3; ; tries-- {
		c := newCaller(t, newSite(t, p), what)
		if warm == 0 {
			return c
		}
		err := c.warm(t, warm)
		if err == nil {
			return c
		}
		if tries == 1 {
			t.Fatal(err)
		}
		t.Log(err)
	}
}

// stop stops the process for so long, as a debugger, a frozen group or a suspended machine does.
func (c *caller) stop(t *testing.T, d time.Duration) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(d) // this is the fault
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
