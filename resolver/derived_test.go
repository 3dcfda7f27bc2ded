package resolver_test

import (
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// Given an endpoint with private DNS names listed, when hosts of its service are asked for, then what is listed stands in place of the host that would be derived, and
// those that begin with an account or a bucket are derived all the same.
func TestListedHostsInPlaceOfDerivedOnes(t *testing.T) {
	dynamodb := listing(of("dynamodb"), "dynamodb"+region)
	sqs := listing(of("sqs"), "queue"+region)
	r := newResolver(t, inA, []endpoint.Endpoint{dynamodb, sqs})
	expect(t, r.Resolve("dynamodb"+region), zonal("dynamodb"), "dynamodb"+region, resolver.Zonal, resolver.InZone)
	expect(t, r.Resolve(accountID+".ddb"+region), zonal("dynamodb"), regional("dynamodb"), resolver.Zonal, resolver.InZone)
	expect(t, r.Resolve("queue"+region), zonal("sqs"), "queue"+region, resolver.Zonal, resolver.InZone)
	expectUntouched(t, r.Resolve("sqs"+region), "sqs"+region, resolver.NoEndpoint)
}
