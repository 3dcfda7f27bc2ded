// Command eks is a worker for EKS that takes messages from a queue through the endpoint in its Pod's Availability Zone. The
// Pod tells it the zone: by AZAFFINITY_ZONE (deployment.yaml), or by a file with its labels (deployment-label-file.yaml). Neither
// takes a permission or IMDS. A Pod that doesn't know its zone works, too, as it would without azaffinity.
//
//	go run ./examples/eks -lab   # in a VPC that it starts itself, with some messages
package main

import (
	"context"
	"flag"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/azaffinity/azaffinity/examples/internal/command"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

var loadConfig = config.LoadDefaultConfig // -lab has its own

// work takes messages until the context ends, and then finishes those that it has.
func work(ctx context.Context, name, labels string) error {
	cfg, err := loadConfig(ctx)
	if err != nil {
		return err
	}
	source := zone.Detect() // it begins with AZAFFINITY_ZONE
	if labels != "" {
		source = zone.Kubernetes(labels)
	}
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithZone(source)))
	if err != nil {
		log.Print(err) // cfg is as it was
	}
	defer r.Close()

	client := sqs.NewFromConfig(cfg)
	queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10})
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err // which the SDK's retries didn't help against
		}
		route, _ := middleware.RouteFrom(out.ResultMetadata)
		for _, m := range out.Messages {
			log.Printf("%s, by %s", aws.ToString(m.Body), route.Host) // here is the work
			in := &sqs.DeleteMessageInput{QueueUrl: queue.QueueUrl, ReceiptHandle: m.ReceiptHandle}
			if _, err := client.DeleteMessage(context.WithoutCancel(ctx), in); err != nil {
				log.Print(err) // it will come again
			}
		}
	}
	return nil
}

func main() {
	queue := flag.String("queue", "orders", "name of the queue")
	labels := flag.String("labels", "", "file with the Pod's labels (default: the environment tells the zone)")
	command.Main(startLab, func(ctx context.Context) error { return work(ctx, *queue, *labels) })
}
