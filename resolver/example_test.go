package resolver_test

import (
	"fmt"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

func Example() {
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{
			Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com",
		})))
	if err != nil {
		fmt.Println(err) // what is wrong with the options
		return
	}
	defer r.Close()

	route := r.Resolve("sqs.us-east-1.amazonaws.com")
	fmt.Println(route.Host)
	fmt.Println(route.Fallback)
	fmt.Println(route.Reason)
	// Output:
	// vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com
	// vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com
	// InZone
}

func ExampleRoute_Failed() {
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{
			Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com",
		})))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	// The endpoint turns out not to be in the zone: its name there doesn't exist.
	route := r.Resolve("sqs.us-east-1.amazonaws.com")
	route.Failed(resolver.CauseAbsent, nil)
	route = route.FailedOver(resolver.CauseAbsent) // where to send this request now
	fmt.Println(route.Host, route.Reason)

	// The next request doesn't try it.
	route = r.Resolve("sqs.us-east-1.amazonaws.com")
	fmt.Println(route.Host, route.Reason)
	// Output:
	// vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com FailedOver
	// vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com Unhealthy
}

// A client whose URL is an endpoint's regional name, such as AWS_ENDPOINT_URL_SQS,
// needs no catalogue.
func ExampleResolver_Resolve_withoutCatalogue() {
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	fmt.Println(r.Resolve("vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com").Host)
	// Output: vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com
}
