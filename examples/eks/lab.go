package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// What this file does is for trying the example without AWS. Leave it out of yours, with loadConfig.

const (
	home  = "us-east-1b" // the zone of the node that the Pod is on
	queue = "orders"
)

// startLab is what the flag -lab does.
func startLab(down bool) error {
	v, err := openLab()
	if err != nil {
		return err
	}
	for i := range 3 {
		err = errors.Join(err, v.send(context.Background(), fmt.Sprintf("order %d", i+1)))
	}
	if down {
		err = errors.Join(err, v.Fault(home, lab.Refuse))
	}
	return errors.Join(err, os.Setenv("AZAFFINITY_ZONE", home), os.Setenv(endpoint.EnvEndpoints, v.RegionalName("sqs")))
}

// vpc is a lab with a queue, and with somebody in another zone who sends to it.
type vpc struct {
	*lab.Lab
	sender *sqs.Client
	url    *string
}

// openLab starts a VPC, which this program is in from now on. It ends with Close, or with the process.
func openLab() (*vpc, error) {
	l, err := lab.Start(lab.Options{
		Home:      home,
		Endpoints: []lab.Endpoint{{Service: "sqs", PrivateDNS: true}},
		Distance:  lab.TypicalDistance,
	})
	if err != nil {
		return nil, err
	}
	sender := sqs.NewFromConfig(l.ConfigIn("us-east-1c"), func(o *sqs.Options) {
		o.BaseEndpoint = aws.String("https://" + l.ZonalName("sqs", "us-east-1c"))
	})
	out, err := sender.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String(queue)})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	loadConfig = func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) { return l.Config(), nil }
	return &vpc{Lab: l, sender: sender, url: out.QueueUrl}, nil
}

func (v *vpc) send(ctx context.Context, text string) error {
	_, err := v.sender.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: v.url, MessageBody: &text})
	return err
}
