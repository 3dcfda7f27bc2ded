// Command compare measures what azaffinity buys and what it costs: the same calls, in turns, by the bare SDK, by the SDK with a
// zonal name pinned, by azaffinity, and by azaffinity that only observes; and in tables of their own those of clients that connect by its dialer alone.
//
//	go run ./examples/compare            # in a VPC that it starts in this process; under five minutes
//	go run ./examples/compare -quick     # under one and a half
//	go run ./examples/compare -out DIR   # writes the report as HTML and JSON, and its plots, too
//	go run -exec sudo ./examples/compare -netns   # the VPC's zones are network namespaces, with real packets that take their time
//	go run ./examples/compare -real      # harmless calls of the account's own endpoints, from inside a VPC
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/azaffinity/azaffinity/integration/lab/zonenet"
)

// The exit codes. A target that was missed is a result, not an error.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// flags are the command line.
type flags struct {
	quick, json, real, netns bool
	out                      string
	plan                     plan
	realOptions              realOptions
}

func parse(args []string, usage io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("compare", flag.ContinueOnError)
	set.SetOutput(usage)
	set.BoolVar(&f.quick, "quick", false, "fewer workloads and shorter faults: under a minute and a half, or two with -netns")
	set.BoolVar(&f.json, "json", false, "write the results as JSON instead of tables")
	set.StringVar(&f.out, "out", "", "a `directory` to write report.html, report.json and the plots to")
	inside := set.Duration("inside", typical.Inside, "one-way delay inside a zone; this and the next two are 100ms at most, each no less than the one before")
	near := set.Duration("near", typical.Near, "one-way delay between neighbouring zones")
	far := set.Duration("far", typical.Far, "one-way delay between other zones")
	deadline := set.Duration("deadline", 0, "how long each call may take (default 5s, with -quick 3.5s)")
	rounds := set.Int("rounds", 0, "how many rounds of everything but the faults; 6 or more have confidence intervals")
	set.BoolVar(&f.netns, "netns", false, "have packets really travel between zones, each a network namespace; needs Linux and root")
	f.realOptions.flags(set)
	set.BoolVar(&f.real, "real", false, "call the account's own endpoints, with harmless read-only calls, slowly; asks first")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if f.plan = standard(); f.quick {
		f.plan = quick()
	}
	f.plan.Distances = distances{*inside, *near, *far}
	if *deadline > 0 {
		f.plan.Deadline = *deadline
	}
	if *rounds > 0 {
		f.plan.Rounds = *rounds
	}
	switch {
	case set.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", set.Arg(0))
	case *deadline < 0 || *rounds < 0:
		err = errors.New("the deadline or the rounds are less than 0")
	case *inside < 0 || *inside > *near || *near > *far || *far > farthest:
		err = fmt.Errorf("the distances must be 0 <= inside <= near <= far <= %v, not %v, %v and %v", farthest, *inside, *near, *far)
	case f.real && f.netns:
		err = errors.New("-real is in a VPC, -netns on this machine: choose one")
	default:
		if err = ignored(set, f.real); err == nil {
			err = f.realOptions.check()
		}
	}
	if err != nil {
		fmt.Fprintf(usage, "compare: %v (-h says more)\n", err)
	}
	return f, err
}

// farthest is the longest one-way delay: zones of a region are nearer each other than that.
const farthest = 100 * time.Millisecond

// ignored refuses flags that would change nothing.
func ignored(set *flag.FlagSet, real bool) error {
	forReal := map[string]bool{
		"rate": true, "bucket": true, "yes": true, "turn": true,
		"inside": false, "near": false, "far": false,
	}
	var useless []string
	set.Visit(func(given *flag.Flag) {
		if which, ok := forReal[given.Name]; ok && which != real {
			useless = append(useless, "-"+given.Name)
		}
	})
	switch {
	case useless == nil:
		return nil
	case real:
		return fmt.Errorf("%s would change nothing with -real", strings.Join(useless, ", "))
	}
	return fmt.Errorf("%s would change nothing without -real", strings.Join(useless, ", "))
}

// run is the program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if f.out != "" {
		if err := writable(f.out); err != nil {
			fmt.Fprintf(stderr, "compare: -out: %v\n", err)
			return exitFailed
		}
	}
	var report Report
	switch {
	case f.real:
		report, err = compareReal(ctx, f, stdin, stderr)
	case f.netns:
		if err = zonenet.Enter(); err == nil { // there the program starts once more
			report, err = compareApart(ctx, f.plan, newBar(stderr, f.plan.length()))
		}
	default:
		report, err = compare(ctx, f.plan, nil, nil, newBar(stderr, f.plan.length()))
	}
	switch {
	case err == nil:
		return f.finish(report, stdout, stderr)
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "compare: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "compare: %v\n", err)
	return exitFailed
}

// writable makes a directory, and for a moment a file in it. What can't be written is better known before minutes of work.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".compare-*")
	if err != nil {
		return err
	}
	_, err = file.WriteString("a file can be written here\n")
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

// finish prints the report, and writes its files after that: it is not lost where they can't be written.
func (f flags) finish(report Report, stdout, stderr io.Writer) int {
	var err error
	if f.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		report.writeText(stdout, isTerminal(stdout))
	}
	if f.out != "" {
		err = errors.Join(err, report.writeFiles(f.out))
	}
	if err != nil {
		fmt.Fprintf(stderr, "compare: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// compare carries out a plan in labs, on the loopback or on a network, and judges what it finds, and what was found of nearest before.
func compare(ctx context.Context, p plan, network *zonenet.Network, near []Nearness, b bar) (Report, error) {
	defer b.done()
	start := time.Now()
	report := Report{
		Made: start.UTC().Truncate(time.Second), Machine: thisMachine(), Plan: p.Name, Rounds: p.Rounds, FaultRounds: p.FaultRounds,
		Deadline: p.Deadline.Seconds(), Distances: p.Distances.String(), Nearness: near,
	}
	if network != nil {
		report.Distances += ", by packets between network namespaces"
	}
	r := &runner{plan: p, network: network, began: b.next, spent: b.add}
	paths, err := watchPaths(ctx, network, p.Distances)
	if err != nil {
		return report, err
	}
	late := watchLateness(ctx)
	report.Steady, err = r.settled(ctx, p.Steady, surroundings.contenders)
	if err == nil {
		report.Dialers, err = r.settled(ctx, p.Dialers, surroundings.besideYardsticks)
	}
	report.Late, report.Paths = late(), paths()
	if err != nil {
		return report, err
	}
	for i, c := range p.Steady {
		if c.setting == healthy && c.workload.Name == sqsSend.Name && c.callers == 1 {
			report.Farther = fartherOf(report.Steady[i], p.Distances)
		}
	}
	if err := r.faults(ctx, &report); err != nil {
		return report, err
	}
	if p.CostRounds > 0 {
		var err error
		if report.Costs, err = r.cost(ctx); err != nil {
			return report, err
		}
	}
	report.Targets = targets(report)
	report.Took = time.Since(start).Round(time.Second).String()
	return report, ctx.Err()
}

// settled measures the cells, each setting's in a lab of its own.
func (r *runner) settled(ctx context.Context, cells []cell, who choice) (all []Steady, err error) {
	for len(cells) > 0 {
		end := 1
		for end < len(cells) && cells[end].setting == cells[0].setting {
			end++
		}
		taken, err := r.steady(ctx, cells[:end], who)
		if err != nil {
			return all, err
		}
		for i, t := range taken {
			all = append(all, steadyOf(cells[i], cells[i].rounds(r.plan), t))
		}
		cells = cells[end:]
	}
	return all, nil
}

// faults measures all contenders through the plan's faults. Each fault is in two tables.
func (r *runner) faults(ctx context.Context, report *Report) error {
	for _, f := range r.plan.Faults {
		late := watchLateness(ctx)
		r.began(f.Name)
		var all, dialers []outage
		for round := range r.plan.FaultRounds {
			o, err := r.through(ctx, f, round)
			if err != nil {
				late()
				return err
			}
			all, dialers = append(all, o.only(names)), append(dialers, o.only(dialerNames))
		}
		found, ofDialers := faultOf(f, all), faultOf(f, dialers)
		found.Late = late()
		ofDialers.Late = found.Late
		report.Faults, report.DialerFaults = append(report.Faults, found), append(report.DialerFaults, ofDialers)
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
