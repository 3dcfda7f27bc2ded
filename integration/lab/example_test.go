package lab_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/azaffinity/azaffinity/integration/lab"
)

func Example() {
	l, err := lab.Start(lab.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	client := sqs.NewFromConfig(l.Config(), func(o *sqs.Options) {
		o.BaseEndpoint = aws.String("https://" + l.ZonalName("sqs", "us-east-1a"))
	})
	queue, err := client.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*queue.QueueUrl)
	fmt.Println(l.Requests())
	// Output:
	// https://sqs.us-east-1.amazonaws.com/123456789012/orders
	// map[us-east-1a:1 us-east-1b:0 us-east-1c:0]
}

func ExampleLab_Fault() {
	l, err := lab.Start(lab.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	// The endpoint in one zone is stopped. Its regional name has two addresses that work.
	if err := l.Fault("us-east-1a", lab.Refuse); err != nil {
		fmt.Println(err)
		return
	}
	client := sqs.NewFromConfig(l.Config())
	for range 6 {
		if _, err := client.ListQueues(context.Background(), &sqs.ListQueuesInput{}); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(l.Requests()["us-east-1a"])
	// Output: 0
}
