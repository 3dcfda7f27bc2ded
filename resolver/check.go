package resolver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/azaffinity/azaffinity/internal/link"
)

// maxCheck bounds one check, so that one that hangs is not the last.
const maxCheck = 5 * time.Second

// check has a name that is down checked in the background until it is not, if there is
// a checker. h.mu must be held.
func (h *health) check() {
	if !h.down() || h.unlisted || h.names.checker.Load() == nil || !h.checked.CompareAndSwap(false, true) {
		return
	}
	if !h.names.background.start(h.keepChecking) {
		h.checked.Store(false) // closed: requests are the probes
	}
}

func (h *health) keepChecking(ctx context.Context) {
	for h.stillDown() {
		at := h.names.start.Add(time.Duration(-h.gate.Load()))
		if !sleep(ctx, time.Until(at)) {
			h.checked.Store(false)
			return
		}
		err := h.names.tryName(ctx, h.probed)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, link.ErrNotChecked): // a request has to be the probe
			h.checked.Store(false)
			return
		default:
			h.judge(err)
		}
	}
}

// stillDown reports whether there is something to check, and ends the checks if not.
func (h *health) stillDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	down := h.down() && !h.unlisted && h.names.checker.Load() != nil
	if !down {
		h.checked.Store(false)
	}
	return down
}

// judge takes in how a check went.
func (h *health) judge(err error) {
	h.mu.Lock()
	if !h.down() {
		h.mu.Unlock()
		return
	}
	if err != nil {
		name := h
		if h.under != nil {
			name = h.under
		}
		h.last = failure{cause: h.ejectedFor, err: name.withoutHost(err.Error(), h.name), at: time.Now()}
		h.gate.Store(-(h.names.now() + int64(h.pause())))
		h.mu.Unlock()
		return
	}
	o := h.outage()
	h.restore()
	h.mu.Unlock()
	h.proven.Store(true)
	h.logHealthy(o)
}

// tryOnce has a host of the name that nobody has connected to yet tried in the
// background, soon, and at most every ten seconds.
func (h *health) tryOnce(host string) {
	if h.proven.Load() || h.names.checker.Load() == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.unlisted || !h.tried.IsZero() && time.Since(h.tried) < baseEjectionTime {
		return
	}
	h.tried = time.Now()
	h.names.background.start(func(ctx context.Context) {
		if h.names.tryName(link.First(ctx), host) == nil {
			h.connected(netip.Addr{})
		}
	})
}

// tryName asks the checker, which is not ours to trust.
func (n *names) tryName(ctx context.Context, name string) (err error) {
	check := n.checker.Load()
	if check == nil {
		return link.ErrNotChecked // nobody does any more
	}
	ctx, cancel := context.WithTimeout(ctx, maxCheck)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			n.log.panicked("a check of a name", p)
			err = fmt.Errorf("resolver: the check panicked: %v", p)
		}
	}()
	return (*check)(ctx, name)
}

// maxCheckers is how many dialers are asked: more would be those of a program that makes one after the other.
const maxCheckers = 16

// setChecker registers one more that checks names, which is asked before the others, and has all that are down checked. nil forgets them all.
func (n *names) setChecker(check checker) {
	n.mu.Lock()
	if check == nil {
		n.checkers = nil
		n.checker.Store(nil)
		n.mu.Unlock()
		return
	}
	n.checkers = append([]checker{check}, n.checkers[:min(len(n.checkers), maxCheckers-1)]...)
	all := n.checkers
	var first checker = func(ctx context.Context, name string) error {
		for _, check := range all { // until there is one that has connected to the name
			if err := check(ctx, name); !errors.Is(err, link.ErrNotChecked) {
				return err
			}
		}
		return link.ErrNotChecked
	}
	n.checker.Store(&first)
	named := slices.Collect(maps.Values(n.zonal))
	n.mu.Unlock()
	if hosts := n.hosts.Load(); hosts != nil {
		named = slices.AppendSeq(named, maps.Values(*hosts))
	}
	for _, h := range named {
		h.mu.Lock()
		h.check()
		h.mu.Unlock()
	}
}

// background is goroutines that end with the resolver. A panic ends one of them, and not the program.
type background struct {
	log  *logs
	ctx  context.Context
	stop context.CancelFunc

	mu      sync.Mutex // so that none starts once they are waited for
	closed  bool
	running sync.WaitGroup
}

func newBackground(log *logs) *background {
	b := &background{log: log}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// start runs f, and reports false if the resolver is closed.
func (b *background) start(f func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.running.Add(1)
	go func() {
		defer b.running.Done()
		defer func() {
			if p := recover(); p != nil {
				b.log.panicked("the background", p)
			}
		}()
		f(b.ctx)
	}()
	return true
}

// close stops everything, and returns a channel that is closed when all has stopped.
func (b *background) close() <-chan struct{} {
	b.stop()
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	stopped := make(chan struct{})
	go func() {
		b.running.Wait()
		close(stopped)
	}()
	return stopped
}
