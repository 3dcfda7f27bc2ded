package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if isChild() {
		return
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 40, "how often each client makes its batch of calls")
	flag.DurationVar(&s.batch, "batch", 50*time.Millisecond, "how long a batch takes, about")
	flag.IntVar(&s.polls, "polls", 10_000, "how many long polls are in flight; 0: none")
	flag.DurationVar(&s.window, "window", 30*time.Second, "for how long polls are watched")
	flag.BoolVar(&s.valgrind, "valgrind", true, "count instructions, if there is valgrind")
	flag.BoolVar(&s.times, "times", true, "measure times; otherwise counts only")
	flag.Parse()
	if err := run(os.Stdout, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are what the flags say.
type settings struct {
	rounds, polls   int
	batch, window   time.Duration
	valgrind, times bool
}

// run prints the tables.
func run(w io.Writer, s settings) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	world := &world{dir: dir}
	defer world.close()

	fmt.Fprintln(w, "| | allocations | KiB | instructions | processor time, ratio | bare again |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, c := range cases {
		if err := s.row(w, world, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if s.polls > 0 {
		if err := s.pollsRow(w, world); err != nil {
			return fmt.Errorf("%d polls: %w", s.polls, err)
		}
	}
	fmt.Fprintln(w, "\n| | time | allocations | KiB that stay |")
	fmt.Fprintln(w, "|---|---|---|---|")
	if err := s.decisionRows(w, world); err != nil {
		return err
	}
	return s.startRows(w, world)
}

// row is that of a case: what the bare SDK takes, and what azaffinity adds.
func (s settings) row(w io.Writer, world *world, c kind) error {
	calls := make([]call, len(clients))
	for i := range clients {
		var err error
		if calls[i], err = c.make(world, clients[i]); err != nil {
			return err
		}
	}
	counts := make([]count, len(clients))
	for i, do := range calls {
		var err error
		if counts[i], err = counted(do, countedCalls); err != nil {
			return err
		}
	}
	instructions := ""
	if s.valgrind {
		var err error
		if instructions, err = c.instructions(); err != nil {
			return err
		}
	}
	ratio, again := "", ""
	if s.times {
		took, err := interleave(calls, s.rounds, s.batch)
		if err != nil {
			return err
		}
		ratio = ratiosOf(took[azaffinity], took[bare]).String() + ", " + difference(took[azaffinity], took[bare])
		again = ratiosOf(took[bareAgain], took[bare]).String()
	}
	_, err := fmt.Fprintf(w, "| %s | %.0f + %.0f | %.1f + %.1f | %s | %s | %s |\n", c.title,
		counts[bare].allocations, counts[azaffinity].allocations-counts[bare].allocations,
		counts[bare].bytes/1024, (counts[azaffinity].bytes-counts[bare].bytes)/1024, instructions, ratio, again)
	return err
}

// pollsRow is that of long polls.
func (s settings) pollsRow(w io.Writer, world *world) error {
	var cores [len(clients)]float64
	for _, c := range []client{bare, azaffinity} {
		var err error
		if cores[c], err = world.polls(c, s.polls, s.window); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "| %s long polls in flight | | | | %.2f %% + %.2f %% of a core | |\n", thousands(s.polls),
		100*cores[bare], 100*(cores[azaffinity]-cores[bare]))
	return err
}

// thousands has a comma in it.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// decisionRows are those of the resolver's answers.
func (s settings) decisionRows(w io.Writer, world *world) error {
	r, err := world.start(catalogue)
	if err != nil {
		return err
	}
	for _, d := range []struct{ title, host string }{
		{"deciding, for a service's host", usualSQS},
		{"for a bucket's host", usualS3},
		{"for a host that no endpoint is known for", "kms." + region + ".amazonaws.com"},
	} {
		do := func() error {
			route := r.Resolve(d.host)
			route.Sent()
			route.Answered()
			return nil
		}
		counts, err := counted(do, countedCalls)
		if err != nil {
			return err
		}
		time := ""
		if s.times {
			took, err := interleave([]call{do}, s.rounds, s.batch)
			if err != nil {
				return err
			}
			time = fmt.Sprintf("%.0f ns", median(took[0]))
		}
		fmt.Fprintf(w, "| %s | %s | %.0f | |\n", d.title, time, counts.allocations)
	}
	return nil
}

// startRows are those of the start, from nothing to the first routed call: reading a file of endpoints in six zones, and making the table of hosts.
func (s settings) startRows(w io.Writer, world *world) error {
	for _, n := range []int{10, 100, 1000} {
		begin := func() error {
			r, err := world.start(n)
			return cmp.Or(err, firstRoute(r), world.stop(r))
		}
		counts, err := counted(begin, 5)
		if err != nil {
			return err
		}
		time := ""
		if s.times {
			took, err := interleave([]call{begin}, max(s.rounds/4, 1), s.batch)
			if err != nil {
				return err
			}
			time = fmt.Sprintf("%.2g ms", median(took[0])/1e6)
		}
		held, err := world.held(n)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| start, with %s endpoints in six zones | %s | %s | %s |\n", thousands(n), time, thousands(int(counts.allocations)), thousands(int(held/1024+0.5)))
	}
	return nil
}
