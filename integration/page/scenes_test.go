package page

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// scene is a process, and what its page has to say.
type scene struct {
	name    string
	process func(*testing.T) *resolver.Resolver
	says    []string
	not     []string
}

var scenes = []scene{
	{
		name:    "well",
		process: func(t *testing.T) *resolver.Resolver { return busy(t, start(t, atHome, endpoints())) },
		says:    []string{"Requests stay in us-east-1a", "use1-az6", "from static", "50 of 50 in use", "Calls in the zone, last", "100 % of 1,250", "mode prefer", "up 0 s"},
		not:     []string{"Problems", "Hosts without an endpoint", "Notes"},
	},
	{
		name:    "trouble",
		process: inTrouble,
		says: []string{
			"7 of 50 endpoints are not used in us-east-1a", "43 of 50 in use", "3 ejected", "3 not in the zone", "1 not routed",
			"The zonal name of sqs and ecs is ejected: connections were refused, or there is no route.", "let the endpoint's security group accept TCP 443",
			"The zonal name of kms is ejected: deadlines passed without an answer.",
			"sns, logs and glue: not in us-east-1a, so requests go to other zones.", "Add a subnet of the zone",
			"iam: no request goes to the endpoint", "unless iam.amazonaws.com is among its private DNS names",
			"ejected 0 s ago: connections were refused, or there is no route; tried again in", "by a call that can be sent twice", "dial tcp: refused",
			"83 % of 1,399", "159 NoEndpoint", "75 NotInZone", "3 connect, failed over",
			"Hosts without an endpoint", "lambda.us-east-1.amazonaws.com", "*.s3.us-east-1.amazonaws.com",
		},
		not: []string{"photos"},
	},
	{
		name: "zone-by-its-ID-only",
		process: func(t *testing.T) *resolver.Resolver {
			return busy(t, start(t, zone.Static(zone.Zone{ID: "use1-az6"}), endpoints()[:3]))
		},
		says: []string{"The zone's name is not known: requests are not kept in it", "whose name is not known", "AZAFFINITY_ZONE_NAMES", "0 of 3 in use", "3 zone not known", "0 % of 75"},
	},
	{
		name: "zone-not-found",
		process: func(t *testing.T) *resolver.Resolver {
			r := start(t, failing{errors.New("imds: no route to host")}, endpoints()[:3])
			if err := r.Ready(t.Context()); err == nil {
				t.Error("the zone is known")
			}
			return r
		},
		says: []string{"The zone is not known: requests are not kept in it", "no route to host", "Set AZAFFINITY_ZONE", "0 of 3 in use"},
	},
	{
		name: "observe",
		process: func(t *testing.T) *resolver.Resolver {
			return busy(t, start(t, atHome, endpoints()[:3], resolver.WithMode(resolver.Observe)))
		},
		says: []string{"Observing: requests go where the SDK sends them", "0 of 3 in use", "3 observed", "Calls that would be in the zone", "100 % of 75", "prefer would send it to the zonal name"},
		not:  []string{"Calls in the zone", "sent since the start"},
	},
	{
		name: "off",
		process: func(t *testing.T) *resolver.Resolver {
			return busy(t, start(t, atHome, endpoints()[:3], resolver.WithMode(resolver.Off)))
		},
		says: []string{"Switched off: requests go where the SDK sends them", "0 of 3 in use", "3 off", "0 % of 75", "75 SwitchedOff", "The mode is off"},
	},
	{
		name: "shifted-away",
		process: func(t *testing.T) *resolver.Resolver {
			r := start(t, atHome, endpoints()[:3])
			r.ShiftAway(time.Now().Add(time.Hour))
			return busy(t, r)
		},
		says: []string{"Shifted away from us-east-1a: requests go to regional names", "0 of 3 in use", "3 shifted away", "0 % of 75", "75 ShiftedAway"},
	},
	{
		name:    "nothing",
		process: func(*testing.T) *resolver.Resolver { return nil },
		says:    []string{"Switched off: requests go where the SDK sends them", "No interface endpoints are known"},
	},
}

const services = "sqs kms sns sts ssm logs monitoring events states api.ecr dynamodb ec2 autoscaling ecs ecs-agent eks athena glue batch backup " +
	"acm-pca cassandra cloudformation cloudtrail codebuild codecommit codedeploy config datasync dms ebs elasticbeanstalk elasticfilesystem elasticmapreduce " +
	"email-smtp ssm-contacts firehose git-codecommit guardduty-data inspector2 kafka kinesis-streams lakeformation macie2 mgn polly rds redshift rekognition " +
	"robomaker sagemaker"

var atHome = zone.Static(zone.Zone{Name: "us-east-1a", ID: "use1-az6"})

// endpoints are fifty, of which those for the given services are in another zone.
func endpoints(away ...string) []endpoint.Endpoint {
	var list []endpoint.Endpoint
	for i, service := range strings.Fields(services)[:50] {
		name := func(zone string) string {
			return fmt.Sprintf("vpce-%017x-lj2wisx3%s.%s.us-east-1.vpce.amazonaws.com", i+1, zone, service)
		}
		in := "us-east-1a"
		if slices.Contains(away, service) {
			in = "us-east-1b"
		}
		list = append(list, endpoint.Endpoint{Regional: name(""), Zonal: map[string]string{in: name("-" + in)}, Hosts: []string{service + region}, PrivateDNS: true})
	}
	return list
}

const region = ".us-east-1.amazonaws.com"

func start(t *testing.T, z zone.Source, list []endpoint.Endpoint, opts ...resolver.Option) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(append([]resolver.Option{resolver.WithZone(z), resolver.WithEndpoints(endpoint.Static(list...))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// busy sends 25 requests for the host of each endpoint, which are answered.
func busy(_ *testing.T, r *resolver.Resolver) *resolver.Resolver {
	for _, e := range r.Snapshot().Endpoints {
		if e.PrivateDNS {
			send(r, e.Service+region, 25)
		}
	}
	return r
}

func send(r *resolver.Resolver, host string, n int) {
	for range n {
		route := r.Resolve(host)
		route.Sent()
		route.Answered()
	}
}

// inTrouble has endpoints in other zones, one that no host leads to, names that are ejected, and hosts without an endpoint.
func inTrouble(t *testing.T) *resolver.Resolver {
	list := endpoints("sns", "glue", "logs")[:49]
	list = append(list, endpoint.Endpoint{Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.iam.us-east-1.vpce.amazonaws.com"})
	r := busy(t, start(t, atHome, list))
	send(r, "lambda"+region, 120)
	send(r, "photos.s3"+region, 30)
	send(r, "photos-of-others.s3"+region, 9)
	for _, service := range []string{"sqs", "ecs", "kms"} {
		for range 3 {
			route := r.Resolve(service + region)
			route.Sent()
			if service == "kms" {
				route.Failed(resolver.CauseUnanswered, errors.New("context deadline exceeded"))
				continue
			}
			route.Failed(resolver.CauseConnect, errors.New("dial tcp: refused"))
			route.FailedOver(resolver.CauseConnect).Sent()
		}
	}
	return r
}

// failing is a source that has to be asked, and fails.
type failing struct{ error }

func (f failing) Zone(context.Context) (zone.Zone, error) { return zone.Zone{}, f.error }
