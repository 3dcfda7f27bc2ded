package autoshift_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/autoshift"
)

// Programs leave a zone when AWS does.
func ExampleNew() {
	cfg := aws.Config{Region: "us-east-1"} // config.LoadDefaultConfig(ctx)

	src, err := autoshift.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithShift(src)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	// Clients that are made from cfg from here on stay in their zone, unless AWS has given it up.
}
