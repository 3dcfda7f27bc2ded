package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// What this file does is for trying the example without AWS. Leave it out of yours, with loadConfig.

// startLab is what the flag -lab does.
func startLab(down bool) error {
	l, err := openLab(os.Setenv)
	if err == nil && down {
		err = l.Fault(home, lab.Refuse)
	}
	return err
}

// taskMetadata is what ${ECS_CONTAINER_METADATA_URI_V4}/task answers on Fargate, after "Amazon ECS task metadata v4 examples"
// of the ECS Developer Guide. It says that the task is in home.
//
//go:embed testdata/task-metadata.json
var taskMetadata []byte

const (
	home  = "us-east-1d"
	queue = "orders"
)

// openLab starts a VPC with a queue and, for the zone, task metadata, and sets the environment of a task in it. They end
// with the process, and the lab with Close.
func openLab(setenv func(name, value string) error) (*lab.Lab, error) {
	l, err := lab.Start(lab.Options{
		Zones:     []lab.Zone{{Name: "us-east-1a", ID: "use1-az6"}, {Name: "us-east-1b", ID: "use1-az1"}, {Name: home, ID: "use1-az4"}},
		Home:      home,
		Endpoints: []lab.Endpoint{{Service: "sqs", PrivateDNS: true}},
		Distance:  lab.TypicalDistance,
	})
	if err != nil {
		return nil, err
	}
	metadata, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v4/lab/task", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(taskMetadata) })
	go func() { _ = http.Serve(metadata, mux) }()

	_, err = sqs.NewFromConfig(l.Config()).CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String(queue)})
	l.ResetRequests()
	for name, value := range map[string]string{
		endpoint.EnvEndpoints:           l.RegionalName("sqs"),
		"AZAFFINITY_ZONE":               "",
		"AWS_EXECUTION_ENV":             "AWS_ECS_FARGATE",
		"ECS_CONTAINER_METADATA_URI_V4": fmt.Sprintf("http://%s/v4/lab", metadata.Addr()),
	} {
		err = errors.Join(err, setenv(name, value))
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	loadConfig = func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) { return l.Config(), nil }
	return l, nil
}
