// Command quickstart shows what azaffinity does. By itself it calls S3, DynamoDB, SQS and STS in a VPC that it starts in
// this process, without azaffinity and with it, takes a zone's endpoints down meanwhile, has a plain HTTP client get a presigned URL, and checks
// what it says about that. Given the endpoints of a real VPC, it shows which host each service would be sent to, and sends nothing.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -endpoints endpoints.json -zone us-east-1b
//
// A program of yours needs none of what is here. It needs a line, as ../ec2 and the others have it:
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	r, err := middleware.Wrap(&cfg) // AZAFFINITY_ENDPOINTS says which endpoints there are; the zone is found
//	defer r.Close()
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const help = `quickstart shows what azaffinity does, without an AWS account and without sending anything to AWS.

  go run ./examples/quickstart
        starts a VPC with three zones in this process and calls S3, DynamoDB, SQS and STS in it,
        without azaffinity and with it; then the endpoints of its own zone go down. A plain HTTP
        client gets a presigned URL, too.

  aws ec2 describe-vpc-endpoints --filters Name=vpc-id,Values=vpc-... > endpoints.json
  go run ./examples/quickstart -endpoints endpoints.json -zone us-east-1b
        shows which host each service's requests would be sent to in your own VPC, and why.

Flags:
  -endpoints FILE   what "aws ec2 describe-vpc-endpoints" printed; may be given more than once.
                    What "aws ec2 describe-availability-zones" printed may be one of the files.
  -zone ZONE        the zone to look from, by name (us-east-1b) or ID (use1-az1)

A file to try it with is examples/quickstart/testdata/endpoints.json.
Exit code: 0 when all is as it says, 1 when it isn't, 2 for a file or flag that can't be used.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes. The last is what a shell shows for a program that ^C ended.
const (
	exitOK          = 0
	exitBroken      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// run is the program. What it writes is plain text wherever it doesn't write to a terminal.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var files []string
	flags.Func("endpoints", "", func(path string) error {
		files = append(files, path)
		return nil
	})
	where := flags.String("zone", "", "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, help)
		return exitOK
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *where != "" && files == nil:
		err = errors.New("-zone goes with -endpoints: give the file with your endpoints, too")
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v (-h says more)\n", err)
		return exitUsage
	}
	out := newOutput(stdout, stderr)
	if files == nil {
		return standard.run(ctx, out)
	}
	if err := explain(ctx, out, files, *where); err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return exitUsage
	}
	return exitOK
}
