package lab_test

import (
	"context"
	"fmt"
	"io"
	"net"

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

// What the lab doesn't have can be put behind an endpoint of its own.
func ExampleEndpoint() {
	// The partner's database is on this machine. It says hello, and ends the connection.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ln.Close()
	go func() {
		for conn, err := ln.Accept(); err == nil; conn, err = ln.Accept() {
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()

	l, err := lab.Start(lab.Options{Endpoints: []lab.Endpoint{
		{Service: "vpce-svc-0a1b2c3d4e5f60718", Server: ln.Addr().String(), Port: 5432, Hosts: []string{"db.partner.example"}, PrivateDNS: true},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	conn, err := l.DialContextIn("us-east-1a")(context.Background(), "tcp", "db.partner.example:5432")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	said, err := io.ReadAll(conn)
	fmt.Println(string(said), err)
	fmt.Println(l.ConnectionsOf("vpce-svc-0a1b2c3d4e5f60718"))
	// Output:
	// hello <nil>
	// map[us-east-1a:1 us-east-1b:0 us-east-1c:0]
}
