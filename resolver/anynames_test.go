package resolver_test

import (
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// Given endpoints under names that AWS did not make, when code allows them, then
// their hosts are routed to the zones that are listed, and nothing else is.
func TestAnyNames(t *testing.T) {
	alias := func(service, host string) endpoint.Endpoint {
		return endpoint.Endpoint{
			AnyNames: true, ID: service + "-alias", Service: service, Region: "us-east-1",
			Regional: service + ".internal.example",
			Zonal:    map[string]string{"us-east-1a": service + "-a.internal.example"},
			Hosts:    []string{host},
		}
	}
	for _, in := range []struct{ zone, asked, want string }{
		{"us-east-1a", "sqs.us-east-1.amazonaws.com", "sqs-a.internal.example"},
		{"us-east-1b", "sqs.us-east-1.amazonaws.com", "sqs.internal.example"},
		{"us-east-1a", "s3.us-east-1.amazonaws.com", "s3-a.internal.example"},
		{"us-east-1a", "photos.s3.us-east-1.amazonaws.com", "photos.s3.us-east-1.amazonaws.com"},
		{"us-east-1a", "sqs.internal.example", "sqs.internal.example"}, // somebody's own choice
		{"us-east-1a", "sqs.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com"},
	} {
		r, err := resolver.New(
			resolver.WithZone(zone.Static(zone.Zone{Name: in.zone})),
			resolver.WithEndpoints(endpoint.Static(alias("sqs", "sqs.us-east-1.amazonaws.com"), alias("s3", "s3.us-east-1.amazonaws.com"))))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Resolve(in.asked).Host; got != in.want {
			t.Errorf("in %s, %s goes to %s, want %s", in.zone, in.asked, got, in.want)
		}
		r.Close()
	}
}
