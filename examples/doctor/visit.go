package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// atOnce is how many endpoints are examined at the same time.
const atOnce = 8

// visit looks around, and reports. An error says why nothing can be said.
func visit(ctx context.Context, net *network, o options, out output) (rep *report, err error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	p, err := open(ctx, net, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()

	bar := out.progress("asking for zone and endpoints")
	defer bar.done()
	asked := time.Now()
	where, zoneErr := zone.Ask(ctx, p.zone)
	zoneTook := time.Since(asked)
	catalog, err := ask(ctx, p.endpoints)
	if err != nil {
		return nil, fmt.Errorf("the endpoints can't be listed: %w", err)
	}
	r, err := planner(catalog, where, zoneErr, o.interfaceFor)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	rep = newReport(p.from, where, zoneErr, zoneTook, r.Snapshot())
	for _, e := range catalog.Endpoints {
		if len(o.services) == 0 || slices.Contains(o.services, e.Service) {
			rep.Endpoints = append(rep.Endpoints, newExam(r, rep.Zone.NameUsed, e))
		}
	}
	rep.leaveOutNotes()
	rep.examine(ctx, p.net, bar)
	rep.Findings = p.findings
	rep.judge(catalog, where.Zone, zoneErr)
	mode := resolver.Prefer // the lab is not this machine
	if !o.lab {
		mode, _ = resolver.ParseMode(os.Getenv(resolver.EnvMode)) // judgeEnvironment says what is wrong with it
		rep.judgeEnvironment()
	}
	for _, x := range rep.Endpoints {
		x.CallsTo = x.callsTo(mode)
	}
	if o.gain {
		bar.expect("asking AWS how far zones are", 1)
		rep.learnGain(ctx, p.net, catalog, where.Zone)
	}
	rep.TookMS = inMillis(time.Since(start))
	bar.done()

	if o.snapshot != "" {
		if err := p.net.snapshot(ctx, catalog, rep.Zone.NameUsed, o.snapshot, out.stdout); err != nil {
			return nil, fmt.Errorf("the snapshot can't be written: %w", err)
		}
		rep.snapshot = o.snapshot
	}
	switch {
	case o.snapshot == "-":
	case o.json:
		err = rep.writeJSON(out.stdout)
	default:
		err = out.report(rep)
	}
	if _, _, unchecked := rep.tally(); unchecked > 0 {
		fmt.Fprintf(out.stderr, "doctor: %s: %d of %d endpoints were not checked\n", why(ctx), unchecked, len(rep.Endpoints))
	}
	return rep, err
}

func ask(ctx context.Context, s endpoint.Source) (endpoint.Catalog, error) {
	catalog, err := s.Endpoints(ctx)
	if err != nil {
		return catalog, err
	}
	return catalog.Normalize()
}

// planner is a resolver that knows what has been found, to ask what it makes of that.
func planner(catalog endpoint.Catalog, where zone.Answer, zoneErr error, interfaceFor []string) (*resolver.Resolver, error) {
	from := zone.Static(where.Zone)
	if zoneErr != nil {
		from = notKnown{zoneErr}
	}
	// What the environment says of the mode, or misspells, is a finding (see judgeMode), and no reason to see nothing.
	if mode, ok := os.LookupEnv(resolver.EnvMode); ok {
		if err := os.Unsetenv(resolver.EnvMode); err != nil {
			return nil, err
		}
		defer func() { _ = os.Setenv(resolver.EnvMode, mode) }()
	}
	return resolver.New(resolver.WithEndpoints(told{catalog}), resolver.WithZone(from), resolver.WithInterfaceFor(interfaceFor...))
}

// examine examines all endpoints, some at a time, and then measures how far they are, one after the other.
func (rep *report) examine(ctx context.Context, n *network, bar *progress) {
	bar.expect("examining endpoints", len(rep.Endpoints))
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, x := range rep.Endpoints {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			x.run(ctx, n)
			bar.add()
		})
	}
	all.Wait()
	for _, x := range rep.Endpoints {
		if x.Verdict != notExamined {
			x.measure(ctx, n)
		}
	}
}

// judge says what there is to say of it all.
func (rep *report) judge(catalog endpoint.Catalog, where zone.Zone, zoneErr error) {
	for _, x := range rep.Endpoints {
		if x.Verdict != notExamined {
			x.judge()
		}
	}
	if len(rep.Endpoints) == 0 {
		rep.Findings = append(rep.Findings, problemOf("no-endpoints", "no interface endpoint is known: azaffinity changes nothing",
			"set "+endpoint.EnvEndpoints+" or "+endpoint.EnvEndpointsFile+", or look with -endpoints FILE or -discover")...)
	}
	rep.Findings = append(rep.Findings, judgeZone(catalog, where, zoneErr)...)
}

// judgeEnvironment says what there is to say of variables that would keep calls from zonal names.
func (rep *report) judgeEnvironment() {
	rep.Findings = slices.Concat(rep.Findings, judgeProxy(rep.Endpoints), judgeMode(os.Getenv(resolver.EnvMode)))
}

// why says why not all was looked at.
func why(ctx context.Context) string {
	if isLate(ctx) {
		return "the time is up (-timeout)"
	}
	return "interrupted"
}

// isOver reports whether there's no time left. A connection's timer may go off just before the context's, of the same deadline.
func isOver(ctx context.Context) bool { return ctx.Err() != nil || isLate(ctx) }

func isLate(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}
