// Command lambda is a function that sends its orders to a queue through the endpoint in the Availability Zone that it runs in.
// Lambda says the zone by its ID only: AZAFFINITY_ZONE_NAMES (use1-az6=us-east-1a,use1-az1=us-east-1b,…) says what it is
// called, and AZAFFINITY_ENDPOINTS which endpoints there are. All is set up before the first event, in Lambda's init phase.
//
//	go run ./examples/lambda -lab   # in a VPC, with Lambda's APIs, that it starts itself
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/examples/internal/command"
	"github.com/azaffinity/azaffinity/middleware"
)

var loadConfig = config.LoadDefaultConfig // -lab has its own

func main() {
	command.Parse(startLab)
	ctx := context.Background()
	cfg, err := loadConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	r, err := middleware.Wrap(&cfg)
	if err != nil {
		log.Print(err) // cfg is as it was
	}
	// The zone takes a millisecond or two to find. Until it is known calls go to regional names, so a short wait does.
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	if err := r.Ready(short); err != nil {
		log.Print(err)
	}
	cancel()
	lambda.Start(function{sqs.NewFromConfig(cfg), os.Getenv("QUEUE_URL")}.handle)
}

type function struct {
	client   *sqs.Client
	queueURL string
}

type (
	order   struct{ Text string }
	receipt struct{ MessageID, Host string }
)

func (f function) handle(ctx context.Context, o order) (receipt, error) {
	out, err := f.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &f.queueURL, MessageBody: &o.Text})
	if err != nil {
		return receipt{}, err
	}
	route, _ := middleware.RouteFrom(out.ResultMetadata)
	return receipt{aws.ToString(out.MessageId), route.Host}, nil
}
