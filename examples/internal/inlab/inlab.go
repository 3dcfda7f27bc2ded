// Package inlab has an example run in a VPC in its own process instead of in AWS, when it is given the flag -lab. All that the
// example then does differently is which options it gives to config.LoadDefaultConfig: they bring the lab's network.
// Where it runs, and which endpoints there are, it learns as it would in AWS, from the environment and metadata.
package inlab

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// LoadOption is what config.LoadDefaultConfig takes.
type LoadOption = func(*config.LoadOptions) error

// Lab is what the flag -lab does: it starts a VPC that ends with this process, whose environment becomes that of a program on
// an instance there, and sets the options, which bring the VPC's network. The steps are taken then, one after the other: they
// bring what the example works on.
func Lab(options *[]LoadOption, steps ...func(*VPC) error) func(down bool) error {
	return func(down bool) error {
		v, err := Start(lab.Options{Distance: lab.TypicalDistance})
		if err != nil {
			return err
		}
		v.Setenv(func(name, value string) { _ = os.Setenv(name, value) })
		if down {
			err = v.Fault(v.Home.Name, lab.Refuse)
		}
		for _, step := range steps {
			err = errors.Join(err, step(v))
		}
		*options = v.Options()
		return err
	}
}

// VPC is a lab with a queue and a bucket in it, as seen by a program on an instance in its home zone.
type VPC struct {
	*lab.Lab
	Home     lab.Zone
	QueueURL string // of the queue "orders"
}

// Bucket exists in every VPC.
const Bucket = "photos"

// Start starts a VPC. Its home zone is us-east-1b, and its endpoints, for S3 and SQS in all zones, have private DNS, so
// that programs work in it without azaffinity as well. The caller closes it.
func Start(opts lab.Options) (*VPC, error) {
	home := lab.Zone{Name: "us-east-1b", ID: "use1-az1"}
	opts.Home, opts.Buckets = home.Name, []string{Bucket}
	opts.Endpoints = []lab.Endpoint{{Service: "s3", PrivateDNS: true}, {Service: "sqs", PrivateDNS: true}}
	l, err := lab.Start(opts)
	if err != nil {
		return nil, err
	}
	v := &VPC{Lab: l, Home: home}
	made, err := sqs.NewFromConfig(l.Config()).CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("inlab: %w", err)
	}
	v.QueueURL = *made.QueueUrl
	l.ResetRequests()
	return v, nil
}

// Options bring the VPC's network to config.LoadDefaultConfig.
func (v *VPC) Options() []LoadOption {
	return []LoadOption{config.WithHTTPClient(v.SDKClient())}
}
