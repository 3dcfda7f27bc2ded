package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// What this file and runtime.go do is for trying the example without AWS. Leave them out of yours, with loadConfig.

// startLab is what the flag -lab does.
func startLab(down bool) error {
	began := time.Now()
	l, err := openLab()
	if err == nil && down {
		err = l.Fault(home, lab.Refuse)
	}
	if err != nil {
		return err
	}
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return demonstrate(l)
	}
	fmt.Println(time.Since(began))
	go control(l, os.Stdin, os.Stdout)
	return nil
}

const (
	home   = "us-east-1b"
	homeID = "use1-az1"
	names  = "use1-az6=us-east-1a,use1-az1=us-east-1b,use1-az2=us-east-1c"
	queue  = "orders"
)

// openLab starts a VPC with a queue, which this program is in from now on. It ends with the process.
func openLab() (*lab.Lab, error) {
	l, err := lab.Start(lab.Options{
		Home:      home,
		Endpoints: []lab.Endpoint{{Service: "sqs", PrivateDNS: true}},
		Distance:  lab.TypicalDistance,
	})
	if err != nil {
		return nil, err
	}
	// A client of its own, so that the function's first call makes its own connection.
	out, err := sqs.NewFromConfig(l.Config()).CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String(queue)})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	l.ResetRequests()
	loadConfig = func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) { return l.Config(), nil }
	return l, errors.Join(os.Setenv(endpoint.EnvEndpoints, l.RegionalName("sqs")), os.Setenv(endpoint.EnvZoneNames, names),
		os.Setenv("QUEUE_URL", *out.QueueUrl))
}

// control does what the lines that it reads say, and answers each with the requests that were executed, by zone.
func control(l *lab.Lab, in io.Reader, out io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if lines.Text() == "down" {
			_ = l.Fault(home, lab.Refuse)
		}
		_ = json.NewEncoder(out).Encode(l.Requests())
	}
}

// demonstrate makes this process a Lambda function that is invoked six times, the last three while its zone is down.
func demonstrate(l *lab.Lab) error {
	api := newRuntimeAPI()
	runtimeAt, err := serve(api)
	if err != nil {
		return err
	}
	metadataAt, err := serve(metadata{homeID})
	if err != nil {
		return err
	}
	go func() {
		for i := range 6 {
			if i == 3 {
				_ = l.Fault(home, lab.Refuse)
				fmt.Println(home + " is down")
			}
			began := time.Now()
			o := api.invoke(context.Background(), fmt.Sprintf(`{"Text":"order %d"}`, i+1))
			if o.err != nil {
				fmt.Println(o.err)
				os.Exit(1)
			}
			var r receipt
			_ = json.Unmarshal(o.answer, &r) // the function's own
			fmt.Printf("order %d in %v, by\n  %s\n", i+1, o.at.Sub(began).Round(100*time.Microsecond), r.Host)
		}
		os.Exit(0)
	}()
	return errors.Join(os.Setenv("AWS_LAMBDA_RUNTIME_API", runtimeAt), os.Setenv("AWS_LAMBDA_FUNCTION_NAME", "shop"),
		os.Setenv("AWS_LAMBDA_METADATA_API", metadataAt), os.Setenv("AWS_LAMBDA_METADATA_TOKEN", metadataToken),
		os.Setenv("AZAFFINITY_ZONE", ""))
}

// serve serves on the loopback until the process ends.
func serve(h http.Handler) (address string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, h) }()
	return listener.Addr().String(), nil
}

const metadataToken = "a-token-that-nobody-may-print"

// metadata is the metadata endpoint of an execution environment in the zone with this ID, after "Using the Lambda metadata
// endpoint" of the Lambda Developer Guide.
type metadata struct{ zoneID string }

func (m metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/2026-01-15/metadata/execution-environment":
		http.NotFound(w, r)
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.Header.Get("Authorization") != "Bearer "+metadataToken:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "private, max-age=43200, immutable")
		_, _ = fmt.Fprintf(w, `{"AvailabilityZoneID":%q}`, m.zoneID)
	}
}
