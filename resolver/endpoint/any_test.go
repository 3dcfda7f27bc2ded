package endpoint_test

import (
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

func alias() endpoint.Endpoint {
	return endpoint.Endpoint{
		AnyNames: true, ID: "sqs-alias", Service: "sqs", Region: "us-east-1",
		Regional: "sqs.internal.example",
		Zonal:    map[string]string{"us-east-1a": "sqs-a.internal.example"},
		Hosts:    []string{"sqs.us-east-1.amazonaws.com"},
	}
}

// Given names that AWS did not make, when code allows them, then they are taken as
// they are; and not without its word.
func TestAnyNames(t *testing.T) {
	e := alias()
	cat, err := endpoint.Static(e).Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := cat.Endpoints[0].ZonalName("us-east-1a"); !ok || name != "sqs-a.internal.example" {
		t.Errorf("got zonal name %q, want the one that was given", name)
	}
	if name, ok := cat.Endpoints[0].ZonalName("us-east-1b"); ok {
		t.Errorf("got zonal name %q for a zone that isn't listed", name)
	}
	e.AnyNames = false
	if _, err := endpoint.Static(e).Endpoints(t.Context()); err == nil {
		t.Error("taken without AnyNames")
	}
}

func TestAnyNamesRefused(t *testing.T) {
	for want, spoil := range map[string]func(*endpoint.Endpoint){
		"have to be given, they can't":    func(e *endpoint.Endpoint) { e.Zonal = nil },
		"Zonal and Hosts have":            func(e *endpoint.Endpoint) { e.Hosts = nil },
		"its ID, Service":                 func(e *endpoint.Endpoint) { e.ID = "" },
		`Region "nowhere"`:                func(e *endpoint.Endpoint) { e.Region = "nowhere" },
		`Service ""`:                      func(e *endpoint.Endpoint) { e.Service = "" },
		"its regional name":               func(e *endpoint.Endpoint) { e.Regional = "https://internal" },
		`"eu-west-1a" is not a zone`:      func(e *endpoint.Endpoint) { e.Zonal = map[string]string{"eu-west-1a": "a.example"} },
		`"a.example:443" not a host`:      func(e *endpoint.Endpoint) { e.Zonal["us-east-1a"] = "a.example:443" },
		`its host "*.s3.amazonaws.com"`:   func(e *endpoint.Endpoint) { e.Hosts = []string{"*.s3.amazonaws.com"} },
		`its host "SQS.example" is not a`: func(e *endpoint.Endpoint) { e.Hosts = []string{"SQS.example"} },
	} {
		e := alias()
		spoil(&e)
		if _, err := endpoint.Static(e).Endpoints(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

func TestNameOf(t *testing.T) {
	both := endpoint.Join(endpoint.File("/etc/endpoints.json"), endpoint.Env(), endpoint.Static())
	if got, want := endpoint.NameOf(both), "file /etc/endpoints.json + environment + static"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := endpoint.NameOf(nil), "<nil>"; got != want {
		t.Errorf("of none: got %q, want %q", got, want)
	}
}
