package middleware_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// The environment is where the zone and the endpoints come from unless the
// program says so itself.
func ExampleWrap() {
	cfg := aws.Config{Region: "us-east-1"} // usually of config.LoadDefaultConfig
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{
			Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com",
		}))))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	// Clients made from cfg now do this with each request:
	route := r.Resolve("sqs.us-east-1.amazonaws.com")
	fmt.Println(route.Host)
	fmt.Println("or", route.Fallback)
	// Output:
	// vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com
	// or vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com
}
