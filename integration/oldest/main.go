// Command oldest makes calls with the oldest SDK that azaffinity supports, and prints where each went. It finds all it needs in the environment, and is
// run by package versions.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/middleware"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, os.Getenv("LAB_DNS"))
	}}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	r, err := middleware.Wrap(&cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	if err := r.Ready(ctx); err != nil {
		log.Fatal(err)
	}

	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	report("sts", who.ResultMetadata)
	bucket := s3.NewFromConfig(cfg)
	put, err := bucket.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("cat"), Body: strings.NewReader("meow")})
	if err != nil {
		log.Fatal(err)
	}
	report("s3", put.ResultMetadata)
}

func report(service string, metadata smithymiddleware.Metadata) {
	route, _ := middleware.RouteFrom(metadata)
	fmt.Println(service, route.Target, route.Reason)
}
