package routing

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationsignals"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/billing"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/codeartifact"
	"github.com/aws/aws-sdk-go-v2/service/dsql"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/internetmonitor"
	"github.com/aws/aws-sdk-go-v2/service/location"
	"github.com/aws/aws-sdk-go-v2/service/neptune"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/qbusiness"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/rum"
	rumtypes "github.com/aws/aws-sdk-go-v2/service/rum/types"
	"github.com/aws/aws-sdk-go-v2/service/s3vectors"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/transcribe"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// odd is a service whose host tells the table of services from the rule
// "<label>.<region>.<suffix>", or shows that the rule holds where it was in doubt.
type odd struct {
	name, label string
	// hosts is what the client resolves, by partition, "" for all others. In it,
	// <r> stands for the Region, <s> for the DNS suffix and <d> for that of
	// dual-stack hosts. Those of the form "<…>.<r>.<s>" are routed.
	hosts map[string]string
	call  func(context.Context, aws.Config) error
}

// ireland tells what is of the partition from what is of us-east-1.
var ireland = partition{"eu-west-1", "eu-west-1a", "amazonaws.com", "aws"}

var oddServices = []odd{
	{"IAM, one host a partition", "iam", map[string]string{"commercial": "iam.amazonaws.com", "China": "iam.cn-north-1.amazonaws.com.cn", "GovCloud": "iam.us-gov.amazonaws.com"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := iam.NewFromConfig(cfg).ListUsers(ctx, nil)
		return err
	}},
	{"Route 53, one host a partition", "route53", map[string]string{"": "route53.<s>", "GovCloud": "route53.us-gov.amazonaws.com"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := route53.NewFromConfig(cfg).ListHostedZones(ctx, nil)
		return err
	}},
	{"Organizations, one Region's host", "organizations", map[string]string{"commercial": "organizations.us-east-1.amazonaws.com", "China": "organizations.cn-northwest-1.amazonaws.com.cn", "GovCloud": "organizations.us-gov-west-1.amazonaws.com"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := organizations.NewFromConfig(cfg).ListAccounts(ctx, nil)
		return err
	}},
	{"Budgets, one host", "budgets", map[string]string{"": "budgets.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := budgets.NewFromConfig(cfg).DescribeBudgets(ctx, &budgets.DescribeBudgetsInput{AccountId: aws.String(accountID)})
		return err
	}},
	{"Q Business, dual-stack alone", "qbusiness", map[string]string{"": "qbusiness.<r>.<d>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := qbusiness.NewFromConfig(cfg).ListApplications(ctx, nil)
		return err
	}},
	{"S3 Vectors, dual-stack alone, not in the SDK's data", "s3vectors", map[string]string{"": "s3vectors.<r>.<d>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := s3vectors.NewFromConfig(cfg).ListVectorBuckets(ctx, nil)
		return err
	}},
	{"Application Signals, dual-stack alone", "application-signals", map[string]string{"": "application-signals.<r>.<d>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := applicationsignals.NewFromConfig(cfg).ListServices(ctx, &applicationsignals.ListServicesInput{StartTime: aws.Time(time.Unix(0, 0)), EndTime: aws.Time(time.Unix(1, 0))})
		return err
	}},
	{"Billing, not in the SDK's data", "billing", map[string]string{"commercial": "billing.us-east-1.api.aws", "China": "billing.cn-northwest-1.amazonaws.com.cn", "": "billing.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := billing.NewFromConfig(cfg).ListBillingViews(ctx, nil)
		return err
	}},
	{"Aurora DSQL, not in the SDK's data", "dsql", map[string]string{"": "dsql.<r>.<d>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := dsql.NewFromConfig(cfg).ListClusters(ctx, nil)
		return err
	}},
	{"Bedrock AgentCore, not in the SDK's data", "bedrock-agentcore", map[string]string{"": "bedrock-agentcore.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := bedrockagentcore.NewFromConfig(cfg).ListActors(ctx, &bedrockagentcore.ListActorsInput{MemoryId: aws.String("memory-0123456789")})
		return err
	}},
	{"Internet Monitor, of which the SDK's data says two things", "internetmonitor", map[string]string{"": "internetmonitor.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := internetmonitor.NewFromConfig(cfg).ListMonitors(ctx, nil)
		return err
	}},
	{"Cloud Map's data, behind a host prefix", "data-servicediscovery", map[string]string{"": "data-servicediscovery.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := servicediscovery.NewFromConfig(cfg).DiscoverInstances(ctx, &servicediscovery.DiscoverInstancesInput{NamespaceName: aws.String("n"), ServiceName: aws.String("s")})
		return err
	}},
	{"RUM's data, behind a host prefix", "dataplane.rum", map[string]string{"": "dataplane.rum.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := rum.NewFromConfig(cfg).PutRumEvents(ctx, &rum.PutRumEventsInput{
			Id: aws.String("i"), BatchId: aws.String("b"), AppMonitorDetails: &rumtypes.AppMonitorDetails{}, UserDetails: &rumtypes.UserDetails{}, RumEvents: []rumtypes.RumEvent{},
		})
		return err
	}},
	{"Location's places, behind a host prefix", "places.geo", map[string]string{"": "places.geo.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := location.NewFromConfig(cfg).SearchPlaceIndexForText(ctx, &location.SearchPlaceIndexForTextInput{IndexName: aws.String("i"), Text: aws.String("t")})
		return err
	}},
	{"Transcribe, odd in China", "transcribe", map[string]string{"": "transcribe.<r>.<s>", "China": "cn.transcribe.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := transcribe.NewFromConfig(cfg).ListTranscriptionJobs(ctx, nil)
		return err
	}},
	{"Neptune, at the host of RDS", "rds", map[string]string{"": "rds.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := neptune.NewFromConfig(cfg).DescribeDBClusters(ctx, nil)
		return err
	}},
	{"CodeArtifact, whose label is not its host's", "api.codeartifact", map[string]string{"": "codeartifact.<r>.<s>"}, func(ctx context.Context, cfg aws.Config) error {
		_, err := codeartifact.NewFromConfig(cfg).ListDomains(ctx, nil)
		return err
	}},
}

// host is what the service's client resolves in a partition.
func (o odd) host(where string, p partition) string {
	pattern, ok := o.hosts[where]
	if !ok {
		pattern = o.hosts[""]
	}
	dual := "api.aws"
	if where == "China" {
		dual = "api.amazonwebservices.com.cn"
	}
	return strings.NewReplacer("<r>", p.region, "<s>", p.suffix, "<d>", dual).Replace(pattern)
}

// Given an endpoint listed by hand, of a service with an odd host, when the
// service's client makes a call, then it is routed, or a note says why the
// endpoint is not used; and if the endpoint lists the host, it is routed.
func TestServicesWithOddHosts(t *testing.T) {
	places := maps.Clone(partitions)
	places["Ireland"] = ireland
	for where, p := range places {
		for _, o := range oddServices {
			t.Run(where+"/"+o.name, func(t *testing.T) {
				if where == "Ireland" {
					where = "commercial"
				}
				host := o.host(where, p)
				if bare, _ := call(t, nil, p.config(), o.call); bare.host != host {
					t.Fatalf("the SDK itself resolves %s, and this test expects %s", bare.host, host)
				}
				e := endpoint.Endpoint{Regional: p.regional(o.label)}
				r := newResolver(t, zone.Zone{Name: p.zone}, e)
				notes := strings.Join(r.Snapshot().Notes, "\n")
				got, route := call(t, r, p.config(), o.call)
				if strings.HasSuffix(host, "."+p.region+"."+p.suffix) {
					if got.host != p.zonal(o.label) || route.Reason != resolver.InZone || strings.Contains(notes, "not used") {
						t.Errorf("got %s (%v), notes %q; want %s, InZone, and no note that it is not used", got.host, route.Reason, notes, p.zonal(o.label))
					}
					return
				}
				if got.host != host || route.Reason != resolver.NoEndpoint {
					t.Errorf("got %s (%v), want the host as it was, NoEndpoint", got.host, route.Reason)
				}
				want := "vpce-0a1b2c3d4e5f60718: no host of an SDK client leads to " + o.label + ": not used"
				if !strings.Contains(notes, want) {
					t.Errorf("got notes %q, want %q among them", notes, want)
				}
				if slices.ContainsFunc(strings.Split(host, "."), func(label string) bool { return endpoint.IsRegion(label) && label != p.region }) {
					return // another Region's host is not the endpoint's, listed or not
				}
				if !strings.Contains(notes, host) {
					t.Errorf("got notes %q, want the host %s named", notes, host)
				}
				e.Hosts = []string{host}
				r = newResolver(t, zone.Zone{Name: p.zone}, e)
				if notes := r.Snapshot().Notes; len(notes) > 0 {
					t.Errorf("listed by the endpoint itself: got notes %q, want none", notes)
				}
				if got, _ := call(t, r, p.config(), o.call); got.host != p.zonal(o.label) {
					t.Errorf("listed by the endpoint itself: got %s, want %s", got.host, p.zonal(o.label))
				}
			})
		}
	}
}

// Given endpoints of services that no table knows, or of hosts that are never
// rewritten, when they are listed by hand, then notes say what becomes of them.
func TestEndpointsThatNoClientIsKnownFor(t *testing.T) {
	const id = "vpce-0a1b2c3d4e5f60718"
	for _, tt := range []struct {
		name, service string
		hosts         []string
		host, want    string // want is dialled for the host
		note          string
	}{
		{"a service newer than the table", "brand-new", nil, "brand-new.us-east-1.amazonaws.com", commercial.zonal("brand-new"), "no SDK client is known for brand-new: used for brand-new.us-east-1.amazonaws.com only"},
		{"the same, which lists its host", "brand-new", []string{"brand-new.us-east-1.amazonaws.com"}, "brand-new.us-east-1.amazonaws.com", commercial.zonal("brand-new"), ""},
		{"an agent's", "ecs-agent", nil, "ecs-a.us-east-1.amazonaws.com", "ecs-a.us-east-1.amazonaws.com", "no SDK client is known for ecs-agent: used for ecs-agent.us-east-1.amazonaws.com only"},
		{"the registry's", "dkr.ecr", []string{"dkr.ecr.us-east-1.amazonaws.com"}, "dkr.ecr.us-east-1.amazonaws.com", "dkr.ecr.us-east-1.amazonaws.com", "no host of an SDK client leads to dkr.ecr: not used"},
		{"APIs'", "execute-api", nil, "abc123.execute-api.us-east-1.amazonaws.com", "abc123.execute-api.us-east-1.amazonaws.com", "no host of an SDK client leads to execute-api: not used"},
		{"one Region's host for all, in that Region", "account", nil, "account.us-east-1.amazonaws.com", commercial.zonal("account"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newResolver(t, zone.Zone{Name: commercial.zone}, endpoint.Endpoint{Regional: commercial.regional(tt.service), Hosts: tt.hosts})
			if got := r.Resolve(tt.host).Host; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			want := ""
			if tt.note != "" {
				want = id + ": " + tt.note
			}
			if got := strings.Join(r.Snapshot().Notes, "\n"); got != want {
				t.Errorf("got notes %q, want %q", got, want)
			}
		})
	}
}
