// Command whereami prints which Availability Zone it runs in, who said so, and how long that took to find out: on EC2, ECS,
// Fargate and Lambda, or wherever AZAFFINITY_ZONE is set.
//
//	go run ./examples/whereami
//	go run ./examples/whereami -json
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
	"syscall"
	"time"

	"github.com/azaffinity/azaffinity/resolver/zone"
)

const help = `whereami prints the Availability Zone it runs in: its name, its ID, who said so,
and how long that took.

It asks what the environment says can know: AZAFFINITY_ZONE, the ECS task
metadata, the Lambda metadata endpoint, the EC2 instance metadata service.
Lambda tells the ID only, and older ECS agents the name only.

Flags:
  -json               one JSON object instead of text, without what isn't known
  -timeout DURATION   how long to wait in all, such as 500ms (default 5s)

Exit code: 0 when the zone is known, 1 when it isn't (stderr says what each
source answered), 2 for a flag that can't be used, 130 when it is interrupted.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const (
	exitOK      = 0
	exitUnknown = 1
	exitUsage   = 2

	exitInterrupted = 130 // what a shell shows for a program that ^C ended
)

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("whereami", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "")
	timeout := flags.Duration("timeout", 5*time.Second, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, help)
		return exitOK
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *timeout <= 0:
		err = fmt.Errorf("-timeout is %v: give it time to ask", *timeout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "whereami: %v (-h says more)\n", err)
		return exitUsage
	}

	limited, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	start := time.Now()
	answer, err := zone.Ask(limited, zone.Detect())
	took := time.Since(start)
	if err == nil {
		err = report(answer, took).write(stdout, *asJSON)
	} else {
		err = fmt.Errorf("the zone is not known, after %v:\n%w", took.Round(time.Millisecond), err)
	}
	if err != nil {
		fmt.Fprintf(stderr, "whereami: %v\n", err)
		if ctx.Err() != nil {
			return exitInterrupted
		}
		return exitUnknown
	}
	return exitOK
}

// place is what is printed.
type place struct {
	Name   string        `json:"name,omitempty"`
	ID     string        `json:"id,omitempty"`
	Source string        `json:"source"`
	TookMS float64       `json:"took_ms"`
	Until  *time.Time    `json:"until,omitempty"` // when to ask again, where the zone can change
	took   time.Duration // TookMS
}

func report(a zone.Answer, took time.Duration) place {
	took = took.Round(time.Microsecond)
	p := place{Name: a.Zone.Name, ID: a.Zone.ID, Source: a.Source, TookMS: float64(took) / float64(time.Millisecond), took: took}
	if !a.Until.IsZero() {
		until := a.Until.UTC().Truncate(time.Second)
		p.Until = &until
	}
	return p
}

func (p place) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(p)
	}
	_, err := fmt.Fprintf(w, "zone name  %s\nzone ID    %s\nsource     %s\ntook       %v\n",
		orUnknown(p.Name), orUnknown(p.ID), p.Source, p.took)
	return err
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
