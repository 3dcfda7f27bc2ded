// Package command is what the examples do alike about their command lines and signals: -lab, or -lab=down, has an example
// run in a VPC in its own process; what it has no use for is refused, with the exit code 2; Ctrl-C ends it with 130, as a shell expects.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// Parse parses the command line, which has no arguments beside flags. With -lab it calls lab then; -lab=down says down:
// the endpoints of its own zone are to refuse from the start.
func Parse(lab func(down bool) error) {
	var wanted, down bool
	flag.BoolFunc("lab", "run in a VPC in this process, without AWS; -lab=down: its own\nzone refuses", func(how string) error {
		wanted, down = how != "false", how == "down"
		if how != "true" && how != "false" && how != "down" {
			return errors.New("want -lab or -lab=down")
		}
		return nil
	})
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(flag.CommandLine.Output(), "unexpected argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	if !wanted {
		return
	}
	if err := lab(down); err != nil {
		log.Fatal(err)
	}
}

// Main is the main function of an example that runs until it is told to end. It parses the command line, calls run, and ends the
// process. The context of run ends with SIGTERM, by which ECS and Kubernetes stop programs, or SIGINT; a second signal
// ends the process at once. Your own program has signal.NotifyContext here.
func Main(lab func(down bool) error, run func(context.Context) error) {
	Parse(lab)
	ctx, cancel := context.WithCancel(context.Background())
	var interrupted atomic.Bool
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		interrupted.Store(<-signals == os.Interrupt)
		signal.Stop(signals)
		cancel()
	}()
	err := run(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Print(err)
	}
	switch {
	case interrupted.Load():
		os.Exit(130)
	case err != nil:
		os.Exit(1)
	}
	os.Exit(0)
}
