// Command doctor looks at a deployment of azaffinity from where it runs: which zone this is, which interface endpoints
// there are, whether their names in the zone exist, answer and are near, and what to do if they don't.
//
//	go install github.com/azaffinity/azaffinity/examples/doctor@v0.1.0
//	go run ./examples/doctor                       # by the environment variables that azaffinity reads
//	go run ./examples/doctor -endpoints FILE       # by what aws ec2 describe-vpc-endpoints printed
//	go run ./examples/doctor -discover -snapshot endpoints.json
//	go run ./examples/doctor -gain                 # and how much nearer this zone is than the others
//	go run ./examples/doctor -lab=down             # in a VPC in this process
//
// It is one static file if it is built with CGO_ENABLED=0: it can be copied into a container, or to an instance.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

const help = `doctor says whether calls from here can be kept in this Availability Zone, and
what to do if not.

It finds the zone and the endpoints as azaffinity does, by the environment, and
looks at each endpoint that would be used: does its name in the zone exist, does
it accept a connection, is its certificate for that name, does it answer, and
how far is it, compared with the endpoint's addresses in other zones. It sends
one unsigned request to each address: a 403 is a fine answer.

  go run ./examples/doctor -lab        a VPC that is started in this process
  go run ./examples/doctor -lab=down   the same, whose own zone refuses

Which endpoints (default: AZAFFINITY_ENDPOINTS, AZAFFINITY_ENDPOINTS_FILE,
AWS_ENDPOINT_URL_*):
  -endpoints FILE      what "aws ec2 describe-vpc-endpoints" printed; may be
                       given more than once
  -discover            ask EC2, with the credentials of the environment
  -vpc ID              ask EC2 for the endpoints of this VPC; implies -discover
  -services LIST       look at these only, as endpoints' names spell them:
                       sqs,api.ecr
  -interface-for LIST  services to use beside a gateway endpoint, as by
                       resolver.WithInterfaceFor

Where from (default: found, as by whereami):
  -zone ZONE           look from this zone, by name (us-east-1b) or by ID
                       (use1-az1)
  -lab, -lab=down      look at a VPC in this process: no AWS account, no network
  -fault FAULT         what is wrong with the lab's endpoints in its own zone:
                       refuse (that is -lab=down), black-hole, hang, stall,
                       reset, unavailable or certificate

What it would win:
  -gain                how far the endpoints' zones are, as measured here and by
                       AWS's own probes, which takes credentials that may call
                       ec2:GetAwsNetworkPerformanceData

What becomes of it:
  -json                one JSON object instead of text
  -snapshot FILE       write the endpoints into a file for
                       AZAFFINITY_ENDPOINTS_FILE, too; with - they are written
                       to standard output, instead of the report
  -timeout DURATION    how long it may take in all (default 30s)

Text is coloured on a terminal, unless NO_COLOR is set.

Exit code: 0 when all is well (there may be advice), 1 when there are problems,
2 when it can't tell: the endpoints can't be listed, the time was up, a file
can't be written, a flag can't be used. 130 when it is interrupted.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const (
	exitFine     = 0
	exitProblems = 1
	exitUnknown  = 2

	exitInterrupted = 130 // what a shell shows for a program that ^C ended
)

// options are what the flags say.
type options struct {
	files        []string
	discover     bool
	vpc          string
	services     []string
	interfaceFor []string
	zone         string
	lab          bool
	fault        string
	gain         bool
	json         bool
	snapshot     string
	timeout      time.Duration
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return runIn(ctx, nil, args, stdout, stderr)
}

// runIn is the program, in the network that is given; nil is this machine's, or the lab's where -lab says so.
func runIn(ctx context.Context, net *network, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, help)
		return exitFine
	case err != nil:
		fmt.Fprintf(stderr, "doctor: %v (-h says more)\n", err)
		return exitUnknown
	}
	rep, err := visit(ctx, net, opts, newOutput(stdout, stderr))
	if err != nil {
		fmt.Fprintf(stderr, "doctor: %v\n", err)
	}
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err != nil:
		return exitUnknown
	}
	return rep.exitCode()
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("endpoints", "", func(path string) error {
		o.files = append(o.files, path)
		return nil
	})
	flags.BoolVar(&o.discover, "discover", false, "")
	flags.StringVar(&o.vpc, "vpc", "", "")
	flags.Func("services", "", list(&o.services))
	flags.Func("interface-for", "", list(&o.interfaceFor))
	flags.StringVar(&o.zone, "zone", "", "")
	down := false
	flags.BoolFunc("lab", "", func(how string) error {
		o.lab, down = how != "false", how == "down"
		if how != "true" && how != "false" && how != "down" {
			return errors.New("want -lab or -lab=down")
		}
		return nil
	})
	flags.StringVar(&o.fault, "fault", "", "")
	flags.BoolVar(&o.gain, "gain", false, "")
	flags.BoolVar(&o.json, "json", false, "")
	flags.StringVar(&o.snapshot, "snapshot", "", "")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.discover = o.discover || o.vpc != ""
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.timeout <= 0:
		return o, fmt.Errorf("-timeout is %v: give it time to look", o.timeout)
	case o.discover && len(o.files) > 0:
		return o, errors.New("-endpoints and -discover are two sources: give one")
	case o.lab && (o.discover || len(o.files) > 0):
		return o, errors.New("-lab has endpoints of its own: leave -endpoints, -discover and -vpc out")
	case o.lab && o.gain:
		return o, errors.New("-gain asks AWS, and -lab is none of its zones: leave one out")
	case down && o.fault != "":
		return o, errors.New("-lab=down and -fault are two faults: give one")
	case o.json && o.snapshot == "-":
		return o, errors.New("-snapshot - writes the endpoints instead of a report: -json would change nothing")
	case o.fault != "" && !o.lab:
		return o, errors.New("-fault is made in the lab: give -lab, too")
	case o.fault != "" && !slices.Contains(faultNames(), o.fault):
		return o, fmt.Errorf("-fault %q is none: want one of %s", o.fault, strings.Join(faultNames(), ", "))
	}
	if down {
		o.fault = "refuse"
	}
	return o, nil
}

func list(into *[]string) func(string) error {
	return func(s string) error {
		for name := range strings.SplitSeq(s, ",") {
			if name = strings.TrimSpace(name); name != "" {
				*into = append(*into, name)
			}
		}
		return nil
	}
}
