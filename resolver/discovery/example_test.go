package discovery_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/discovery"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// describer stands for an *ec2.Client in a VPC with one endpoint.
type describer struct{ err error }

func (d describer) DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error) {
	name := func(dnsName string) types.DnsEntry {
		return types.DnsEntry{DnsName: aws.String(dnsName), HostedZoneId: aws.String("Z7HUB22UULQXV")}
	}
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: []types.VpcEndpoint{{
		VpcEndpointId:     aws.String("vpce-0a1b2c3d4e5f60718"),
		VpcEndpointType:   types.VpcEndpointTypeInterface,
		VpcId:             aws.String("vpc-1a2b3c4d"),
		ServiceName:       aws.String("com.amazonaws.us-east-1.sqs"),
		State:             "available",
		PrivateDnsEnabled: aws.Bool(true),
		DnsEntries: []types.DnsEntry{
			name("vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"),
			name("vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1b.sqs.us-east-1.vpce.amazonaws.com"),
			name("sqs.us-east-1.amazonaws.com"),
		},
	}}}, d.err
}

func (describer) DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error) {
	return &ec2.DescribeAvailabilityZonesOutput{AvailabilityZones: []types.AvailabilityZone{
		{ZoneId: aws.String("use1-az6"), ZoneName: aws.String("us-east-1b")},
	}}, nil
}

// The drop-in: one line more than with endpoints that are listed by hand.
func ExampleNew() {
	cfg := aws.Config{Region: "us-east-1"} // config.LoadDefaultConfig(ctx)

	src, err := discovery.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithEndpoints(src)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	// Clients that are made from cfg from here on stay in their zone.
}

// Given a zone's ID, as Lambda tells it, requests find the zone's name.
func ExampleNewFromClient() {
	src, err := discovery.NewFromClient(describer{}, discovery.WithVPC("vpc-1a2b3c4d"))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{ID: "use1-az6"})), resolver.WithEndpoints(src))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	if err := r.Ready(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Resolve("sqs.us-east-1.amazonaws.com").Host)
	// Output: vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1b.sqs.us-east-1.vpce.amazonaws.com
}

// Callers that refresh by themselves leave EC2 alone when it throttles them.
func ExampleThrottledError() {
	throttling := &smithy.GenericAPIError{Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
	src, err := discovery.NewFromClient(describer{err: throttling}, discovery.WithVPC("vpc-1a2b3c4d"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = src.Endpoints(context.Background())
	var throttled *discovery.ThrottledError
	if errors.As(err, &throttled) {
		fmt.Println("half a minute or more:", throttled.RetryAfter().Seconds() >= 30)
	}
	// Output: half a minute or more: true
}
