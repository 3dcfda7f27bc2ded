package main

import (
	"context"
	"math/rand/v2"
	"net/http/httptrace"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/integration/lab/zonenet"
)

// keptConnections is how many idle ones the SDK's HTTP client keeps for a host.
const keptConnections = 10

// runner carries a plan out.
type runner struct {
	plan    plan
	network *zonenet.Network  // nil: the loopback
	began   func(what string) // told what comes next
	spent   func(time.Duration)
}

// taken is what was seen of one contender in one cell, or through one fault.
type taken struct {
	contender string
	samples   []sample
}

// choice makes contenders. close ends what they have running.
type choice func(surroundings) (all []contender, close func(), err error)

// steady has contenders take turns in the cells, which have one setting in common.
func (r *runner) steady(ctx context.Context, cells []cell, who choice) (all [][]taken, err error) {
	p, err := newPlace(ctx, cells[0].setting, r.plan.Distances.between, r.network)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := p.close(); err == nil {
			err = e
		}
	}()
	contenders, end, err := who(p.surroundings)
	if err != nil {
		return nil, err
	}
	defer end()
	if f := cells[0].setting.fault; f != lab.None {
		if err := p.fault(f); err != nil {
			return nil, err
		}
		contenders = slices.DeleteFunc(contenders, func(c contender) bool { return c.Name == pinned }) // which would only fail
	}
	for _, c := range cells {
		r.began(c.setting.Name + ": " + c.workload.Name)
		of, err := r.rounds(ctx, contenders, c)
		if err != nil {
			return nil, err
		}
		all = append(all, of)
	}
	return all, nil
}

// rounds is one cell. In each round every contender has a turn, in another order each time, so that whatever else keeps
// the machine busy does so to all of them alike.
func (r *runner) rounds(ctx context.Context, contenders []contender, c cell) ([]taken, error) {
	all := make([]taken, len(contenders))
	programs := make([]*program, len(contenders))
	for i, who := range contenders {
		all[i].contender = who.Name
		programs[i] = who.open(c.workload, r.plan.Deadline)
		defer programs[i].reconnect()
		if who.Name == nearest {
			programs[i].learn(ctx)
		}
	}
	for round := range c.rounds(r.plan) {
		for _, i := range rand.Perm(len(contenders)) {
			all[i].samples = append(all[i].samples, r.turn(ctx, programs[i], c, round)...)
			r.spent(r.plan.Slice + settling)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	return all, nil
}

// keptLegs is how many times a turn makes new connections, if they are kept: once for each zone.
const keptLegs = 3

// turn measures a program for a while. A regional name's connections are spread over zones by DNS, and stay: a turn has
// several legs with new connections, one for each zone that the name may lead to.
func (r *runner) turn(ctx context.Context, p *program, c cell, round int) []sample {
	runtime.GC() // of what others left
	legs := 1
	if !c.workload.Churn {
		legs = keptLegs
	}
	var (
		mu      sync.Mutex
		samples []sample
		began   = time.Now()
		pause   = time.Duration(float64(c.callers) / c.workload.Rate * float64(time.Second))
	)
	for range legs {
		p.reconnect()
		if !c.workload.Churn {
			p.warm(ctx, min(c.callers, keptConnections))
		}
		end := time.Now().Add(r.plan.Slice / time.Duration(legs))
		var all sync.WaitGroup
		for caller := range c.callers {
			do := p.calls(caller)
			all.Go(func() {
				if c.callers > 1 {
					sleep(ctx, min(rand.N(pause), time.Until(end)))
				}
				for ctx.Err() == nil && time.Now().Before(end) {
					s := p.measure(ctx, do, round, began)
					mu.Lock()
					samples = append(samples, s)
					mu.Unlock()
					sleep(ctx, min(pause/2+rand.N(pause), time.Until(end)))
				}
			})
		}
		all.Wait()
	}
	return samples
}

// warm makes connections, by calls that nobody measures. How they end is of no interest: those that are measured will
// meet the same. Each begins when the one before has looked its host up: Go makes one lookup of several at the same
// time, and then all connections would lead to one zone.
func (p *program) warm(ctx context.Context, connections int) {
	var all sync.WaitGroup
	for i := range connections {
		do := p.calls(i)
		found := make(chan struct{})
		once := sync.OnceFunc(func() { close(found) })
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{DNSDone: func(httptrace.DNSDoneInfo) { once() }})
		all.Go(func() {
			defer once()
			p.measure(traced, do, 0, time.Now())
		})
		<-found
	}
	all.Wait()
}

// outage is what was seen of all contenders through one fault.
type outage struct {
	all              []taken
	struck, repaired time.Duration // since the round began
}

// burst is how many calls come at once through a fault: as many as there are kept connections at first, twice as many as
// zones. Single calls would all go over the same one, which net/http kept last, in whatever zone that is.
const burst = 6

// through has all contenders make calls side by side while a fault begins and ends. Each call begins when it is due,
// however many are under way: a caller that waits for its last call would keep quiet while it is worst.
func (r *runner) through(ctx context.Context, f fault, round int) (o outage, err error) {
	p, err := newPlace(ctx, healthy, r.plan.Distances.between, r.network)
	if err != nil {
		return o, err
	}
	defer func() {
		if e := p.close(); err == nil {
			err = e
		}
	}()
	contenders, end, err := p.besideAll()
	if err != nil {
		return o, err
	}
	defer end()
	programs := make([]*program, len(contenders))
	for i, who := range contenders {
		o.all = append(o.all, taken{contender: who.Name})
		programs[i] = who.open(f.workload, r.plan.Deadline)
		defer programs[i].reconnect()
		if who.Name == nearest {
			programs[i].learn(ctx)
			programs[i].reconnect()
		}
		programs[i].warm(ctx, burst)
	}
	runtime.GC()

	rate := r.plan.FaultRate
	if f.workload.Churn {
		rate /= 2 // a new connection is a lot of work, for the lab's side as well
	}
	var (
		mu    sync.Mutex
		calls sync.WaitGroup
		every = time.Duration(burst * float64(time.Second) / rate)
		began = time.Now()
	)
	calling, stop := context.WithCancel(ctx)
	defer stop()
	for i, prog := range programs {
		do := prog.calls(i)
		calls.Go(func() {
			// At random in each interval: in step with each other, they would meet the same order of the regional name's addresses each time.
			for slot := began; ; slot = slot.Add(every) {
				if sleep(calling, time.Until(slot.Add(rand.N(every)))); calling.Err() != nil {
					return
				}
				for range burst {
					calls.Go(func() {
						s := prog.measure(ctx, do, round, began)
						mu.Lock()
						defer mu.Unlock()
						o.all[i].samples = append(o.all[i].samples, s)
					})
				}
			}
		})
	}
	sleep(ctx, r.plan.Before)
	o.struck = time.Since(began)
	err = f.strike(ctx, p, r.plan.During)
	if e := p.fault(lab.None); err == nil {
		err = e
	}
	o.repaired = time.Since(began)
	if err == nil {
		sleep(ctx, r.plan.After)
	}
	stop()
	calls.Wait()
	r.spent(r.plan.Before + r.plan.During + r.plan.After + r.plan.Deadline/2)
	for i := range o.all {
		slices.SortFunc(o.all[i].samples, func(a, b sample) int { return int(a.At - b.At) })
	}
	if err == nil {
		err = ctx.Err()
	}
	return o, err
}
