package routing

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

var commercial = partitions["commercial"]

// everything is an endpoint for each service of the tables, and more than AWS
// would ever list as its private DNS names.
func everything() []endpoint.Endpoint {
	hostile := map[string][]string{
		"s3": {
			"s3.us-east-1.amazonaws.com", "*.s3.us-east-1.amazonaws.com", "s3.amazonaws.com", "*.s3-accesspoint.us-east-1.amazonaws.com",
			"*.s3-control.us-east-1.amazonaws.com", "*.s3express-use1-az4.us-east-1.amazonaws.com", "s3express-control.us-east-1.amazonaws.com",
			"mrap.accesspoint.s3-global.amazonaws.com", "*.accesspoint.s3-global.amazonaws.com", "olap-123456789012.s3-object-lambda.us-east-1.amazonaws.com",
			"photos.s3-accelerate.amazonaws.com", "*.s3-outposts.us-east-1.amazonaws.com", "photos.s3-website.us-east-1.amazonaws.com",
		},
		"sts":         {"sts.us-east-1.amazonaws.com", "sts.amazonaws.com"},
		"logs":        {"logs.us-east-1.amazonaws.com"}, // live tail hosts are routed if they are listed
		"dkr.ecr":     {"dkr.ecr.us-east-1.amazonaws.com", "*.dkr.ecr.us-east-1.amazonaws.com", "123456789012.dkr.ecr.us-east-1.amazonaws.com"},
		"execute-api": {"execute-api.us-east-1.amazonaws.com", "*.execute-api.us-east-1.amazonaws.com", "abc123.execute-api.us-east-1.amazonaws.com"},
		"sqs":         {"sqs.us-east-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com"},
	}
	var all []endpoint.Endpoint
	seen := map[string]bool{}
	add := func(service string) {
		if !seen[service] {
			seen[service] = true
			all = append(all, endpoint.Endpoint{Regional: star(service, commercial.regional(service)), Hosts: hostile[service], PrivateDNS: hostile[service] != nil})
		}
	}
	for _, row := range rows {
		add(row.service)
	}
	for service := range hostile {
		add(service)
	}
	return all
}

// Given every endpoint there is, when a client resolves a host that the endpoint
// can't serve, or that its user chose, then the request goes where the SDK sends
// it without us.
func TestHostsThatAreNeverRewritten(t *testing.T) {
	fips := func(cfg *aws.Config) { cfg.ConfigSources = []any{fipsEndpoint{}} }
	dualStack := func(cfg *aws.Config) { cfg.ConfigSources = []any{dualStackEndpoint{}} }
	region := func(r string) func(*aws.Config) { return func(cfg *aws.Config) { cfg.Region = r } }
	base := func(url string) func(*aws.Config) {
		return func(cfg *aws.Config) { cfg.BaseEndpoint = aws.String(url) }
	}
	get := func(bucket string, opts ...func(*s3.Options)) func(context.Context, aws.Config) error {
		return func(ctx context.Context, cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg, opts...).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
			return err
		}
	}
	queues := func(ctx context.Context, cfg aws.Config) error {
		_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, nil)
		return err
	}
	identity := func(ctx context.Context, cfg aws.Config) error {
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
		return err
	}
	tests := []struct {
		name string
		set  func(*aws.Config)
		call func(context.Context, aws.Config) error
		want string // the host, as a check that the test tests what it says
	}{
		{"FIPS, SQS", fips, queues, "sqs-fips.us-east-1.amazonaws.com"},
		{"FIPS, KMS", fips, func(ctx context.Context, cfg aws.Config) error {
			_, err := kms.NewFromConfig(cfg).ListKeys(ctx, nil)
			return err
		}, "kms-fips.us-east-1.amazonaws.com"},
		{"FIPS, DynamoDB", fips, func(ctx context.Context, cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, nil)
			return err
		}, "dynamodb-fips.us-east-1.amazonaws.com"},
		{"FIPS, ECR", fips, func(ctx context.Context, cfg aws.Config) error {
			_, err := ecr.NewFromConfig(cfg).DescribeRepositories(ctx, nil)
			return err
		}, "api.ecr-fips.us-east-1.amazonaws.com"},
		{"FIPS, S3", fips, get("photos"), "photos.s3-fips.us-east-1.amazonaws.com"},
		{"FIPS, S3 Control", fips, func(ctx context.Context, cfg aws.Config) error {
			_, err := s3control.NewFromConfig(cfg).ListAccessPoints(ctx, &s3control.ListAccessPointsInput{AccountId: aws.String(accountID)})
			return err
		}, accountID + ".s3-control-fips.us-east-1.amazonaws.com"},
		{"dual-stack, SQS", dualStack, queues, "sqs.us-east-1.api.aws"},
		{"dual-stack, S3", dualStack, get("photos"), "photos.s3.dualstack.us-east-1.amazonaws.com"},
		{"another Region", region("eu-west-1"), queues, "sqs.eu-west-1.amazonaws.com"},
		{"another Region, S3", region("eu-west-1"), get("photos"), "photos.s3.eu-west-1.amazonaws.com"},
		{"the global STS", region("aws-global"), identity, "sts.amazonaws.com"},
		{"the global S3", region("aws-global"), get("photos"), "photos.s3.amazonaws.com"},
		{"S3 Express, its session", nil, get("photos--use1-az4--x-s3"), "photos--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com"},
		{"S3 Express, control", nil, func(ctx context.Context, cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg).ListDirectoryBuckets(ctx, nil)
			return err
		}, "s3express-control.us-east-1.amazonaws.com"},
		{"S3 Accelerate", nil, get("photos", func(o *s3.Options) { o.UseAccelerate = true }), "photos.s3-accelerate.amazonaws.com"},
		{"S3 Object Lambda", nil, get("arn:aws:s3-object-lambda:us-east-1:" + accountID + ":accesspoint/olap"), "olap-" + accountID + ".s3-object-lambda.us-east-1.amazonaws.com"},
		{"S3 Object Lambda, by alias", nil, get("olap-hrzrlukc5m36ft7okagglf3gmwlu--ol-s3"), "olap-hrzrlukc5m36ft7okagglf3gmwlu--ol-s3.s3.us-east-1.amazonaws.com"},
		{"an S3 multi-Region access point", nil, get("arn:aws:s3::" + accountID + ":accesspoint/mfzwi23gnjvgw.mrap"), "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"},
		{"S3 on Outposts", nil, get("arn:aws:s3-outposts:us-east-1:" + accountID + ":outpost/op-01234567890123456/accesspoint/reports"), "reports-" + accountID + ".op-01234567890123456.s3-outposts.us-east-1.amazonaws.com"},
		{"live tail of CloudWatch Logs", nil, func(ctx context.Context, cfg aws.Config) error {
			_, err := cloudwatchlogs.NewFromConfig(cfg).StartLiveTail(ctx, &cloudwatchlogs.StartLiveTailInput{
				LogGroupIdentifiers: []string{"arn:aws:logs:us-east-1:" + accountID + ":log-group:g"},
			})
			return err
		}, "stream-logs.us-east-1.amazonaws.com"},
		{"an API's management", base("https://abc123.execute-api.us-east-1.amazonaws.com/prod"), func(ctx context.Context, cfg aws.Config) error {
			_, err := apigatewaymanagementapi.NewFromConfig(cfg).PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: aws.String("c"), Data: []byte("x")})
			return err
		}, "abc123.execute-api.us-east-1.amazonaws.com"},
		{"the user's own host", base("http://localhost:4566"), queues, "localhost:4566"},
		{"the user's own proxy", base("https://aws.proxy.example.com"), queues, "aws.proxy.example.com"},
		{"an IP literal", base("https://127.0.0.1"), queues, "127.0.0.1"},
		{"an IPv6 literal", base("https://[::1]:8443"), queues, "[::1]:8443"},
		{"another port", base("https://sqs.us-east-1.amazonaws.com:8443"), queues, "sqs.us-east-1.amazonaws.com:8443"},
		{"the other scheme's port", base("http://sqs.us-east-1.amazonaws.com:443"), queues, "sqs.us-east-1.amazonaws.com:443"},
		{"a zonal name that the user pinned", base("https://" + strings.Replace(commercial.zonal("sqs"), "us-east-1a", "us-east-1c", 1)), queues, strings.Replace(commercial.zonal("sqs"), "us-east-1a", "us-east-1c", 1)},
		{"a pinned zonal name with a bucket in front", base("https://bucket." + strings.Replace(commercial.zonal("s3"), "us-east-1a", "us-east-1c", 1)), get("photos"), "photos.bucket." + strings.Replace(commercial.zonal("s3"), "us-east-1a", "us-east-1c", 1)},
		{"a host prefix glued to a vpce name", base("https://" + commercial.regional("states")), func(ctx context.Context, cfg aws.Config) error {
			_, err := sfn.NewFromConfig(cfg).StartSyncExecution(ctx, &sfn.StartSyncExecutionInput{StateMachineArn: aws.String("arn:aws:states:us-east-1:" + accountID + ":stateMachine:m")})
			return err
		}, "sync-" + commercial.regional("states")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := commercial.config()
			if tt.set != nil {
				tt.set(&cfg)
			}
			r := newResolver(t, zone.Zone{Name: commercial.zone}, everything()...)
			got, err := callError(t, r, cfg, tt.call)
			if got.host != tt.want {
				t.Errorf("got %s, want %s", got.host, tt.want)
			}
			if route, ok := routeIn(err); ok && route.Target != resolver.Unmatched {
				t.Errorf("got route %+v, want Unmatched", route)
			}
		})
	}
}

type fipsEndpoint struct{}

func (fipsEndpoint) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, true, nil
}

type dualStackEndpoint struct{}

func (dualStackEndpoint) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, true, nil
}

// Given an endpoint that lists FIPS and dual-stack hosts among its own private
// names, when a client resolves those, then they are its to serve.
func TestHostsThatTheEndpointItselfLists(t *testing.T) {
	listed := endpoint.Endpoint{
		Regional: commercial.regional("kms"), PrivateDNS: true,
		Hosts: []string{"kms.us-east-1.amazonaws.com", "kms-fips.us-east-1.amazonaws.com", "kms.us-east-1.api.aws"},
	}
	for host, source := range map[string]any{
		"kms.us-east-1.amazonaws.com":      struct{}{},
		"kms-fips.us-east-1.amazonaws.com": fipsEndpoint{},
		"kms.us-east-1.api.aws":            dualStackEndpoint{},
	} {
		cfg := commercial.config()
		cfg.ConfigSources = []any{source}
		got, route := call(t, newResolver(t, zone.Zone{Name: commercial.zone}, listed), cfg, listKeys)
		if want := commercial.zonal("kms"); got.host != want || route.Fallback != host {
			t.Errorf("%s: got %s, falling back to %s; want %s and the host itself, which private DNS leads to the endpoint",
				host, got.host, route.Fallback, want)
		}
	}
	own := endpoint.Endpoint{Regional: commercial.regional("kms-fips")}
	cfg := commercial.config()
	cfg.ConfigSources = []any{fipsEndpoint{}}
	if got, _ := call(t, newResolver(t, zone.Zone{Name: commercial.zone}, own), cfg, listKeys); got.host != commercial.zonal("kms-fips") {
		t.Errorf("an endpoint of the FIPS service: got %s, want %s", got.host, commercial.zonal("kms-fips"))
	}
}

func listKeys(ctx context.Context, cfg aws.Config) error {
	_, err := kms.NewFromConfig(cfg).ListKeys(ctx, nil)
	return err
}

// Given no catalogue at all, when a client's URL is a regional vpce name, as
// AWS_ENDPOINT_URL_SQS makes it, then it becomes the zonal one.
func TestRegionalNamesNeedNoCatalogue(t *testing.T) {
	for where, p := range partitions {
		t.Run(where, func(t *testing.T) {
			r := newResolver(t, zone.Zone{Name: p.zone})
			for _, row := range rows {
				if row.account || strings.Contains(row.name, "access point") || strings.Contains(row.name, "host prefix") {
					continue
				}
				cfg := p.config()
				url, want := p.regional(row.service), p.zonal(row.service)
				switch {
				case row.name == "S3 Control":
					url, want = "control."+url, accountID+".control."+want
				case row.service == "s3":
					url, want = "bucket."+url, p.fill(row.want, "s3")
				}
				cfg.BaseEndpoint = aws.String("https://" + url)
				got, route := call(t, r, cfg, func(ctx context.Context, cfg aws.Config) error { return row.call(ctx, cfg, p) })
				if got.host != want {
					t.Errorf("%s: got %s, want %s", row.name, got.host, want)
				}
				if wantBack := strings.Replace(want, "-"+p.zone+".", ".", 1); route.Fallback != wantBack {
					t.Errorf("%s: got fallback %s, want %s", row.name, route.Fallback, wantBack)
				}
			}
		})
	}
}

// Given an endpoint, when the zone or the endpoint's zones differ, then the
// request goes to the name that the table says.
func TestWhichOfTheEndpointsNames(t *testing.T) {
	const host = "sqs.us-east-1.amazonaws.com"
	p := commercial
	regional := p.regional("sqs")
	in := func(zones ...string) map[string]string {
		names := map[string]string{}
		for _, z := range zones {
			names[z] = strings.Replace(p.zonal("sqs"), p.zone, z, 1)
		}
		return names
	}
	open := endpoint.Endpoint{Regional: regional}
	private := endpoint.Endpoint{Regional: regional, Hosts: []string{host}, PrivateDNS: true}
	with := func(e endpoint.Endpoint, zonal map[string]string) endpoint.Endpoint {
		e.Zonal = zonal
		return e
	}
	tests := []struct {
		name       string
		zone       zone.Zone
		names      map[string]string
		endpoint   endpoint.Endpoint
		want       string
		target     resolver.Target
		reason     resolver.Reason
		unhealthy  bool
		wantReturn string
	}{
		{
			name: "in the zone", zone: zone.Zone{Name: "us-east-1a"}, endpoint: with(open, in("us-east-1a", "us-east-1b")),
			want: p.zonal("sqs"), target: resolver.Zonal, reason: resolver.InZone, wantReturn: regional,
		},
		{
			name: "in the zone, private DNS", zone: zone.Zone{Name: "us-east-1a"}, endpoint: with(private, in("us-east-1a")),
			want: p.zonal("sqs"), target: resolver.Zonal, reason: resolver.InZone, wantReturn: host,
		},
		{
			name: "not known to be in the zone", zone: zone.Zone{Name: "us-east-1a"}, endpoint: open,
			want: p.zonal("sqs"), target: resolver.Zonal, reason: resolver.InZone, wantReturn: regional,
		},
		{
			name: "not in the zone", zone: zone.Zone{Name: "us-east-1c"}, endpoint: with(open, in("us-east-1a", "us-east-1b")),
			want: regional, target: resolver.Regional, reason: resolver.NotInZone,
		},
		{
			name: "not in the zone, private DNS", zone: zone.Zone{Name: "us-east-1c"}, endpoint: with(private, in("us-east-1a")),
			want: host, target: resolver.Regional, reason: resolver.NotInZone,
		},
		{
			name: "unhealthy", zone: zone.Zone{Name: "us-east-1a"}, endpoint: with(open, in("us-east-1a")), unhealthy: true,
			want: regional, target: resolver.Regional, reason: resolver.Unhealthy,
		},
		{
			name: "unhealthy, private DNS", zone: zone.Zone{Name: "us-east-1a"}, endpoint: with(private, in("us-east-1a")), unhealthy: true,
			want: host, target: resolver.Regional, reason: resolver.Unhealthy,
		},
		{name: "no zone", endpoint: open, want: regional, target: resolver.Regional, reason: resolver.NoZone},
		{name: "no zone, private DNS", endpoint: private, want: host, target: resolver.Regional, reason: resolver.NoZone},
		{
			name: "another Region", zone: zone.Zone{Name: "eu-west-1a"}, endpoint: open,
			want: regional, target: resolver.Regional, reason: resolver.CrossRegion,
		},
		{
			name: "an ID that the catalogue has a name for", zone: zone.Zone{ID: "use1-az6"}, names: map[string]string{"use1-az6": "us-east-1b"},
			endpoint: with(open, in("us-east-1a", "us-east-1b")), want: in("us-east-1b")["us-east-1b"], target: resolver.Zonal, reason: resolver.InZone, wantReturn: regional,
		},
		{
			name: "the owner's letter wins over the instance's", zone: zone.Zone{Name: "us-east-1a", ID: "use1-az6"}, names: map[string]string{"use1-az6": "us-east-1b"},
			endpoint: with(open, in("us-east-1a", "us-east-1b")), want: in("us-east-1b")["us-east-1b"], target: resolver.Zonal, reason: resolver.InZone, wantReturn: regional,
		},
		{
			name: "an ID that no name is known for", zone: zone.Zone{ID: "use1-az6"}, endpoint: open,
			want: regional, target: resolver.Regional, reason: resolver.NoZone,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newResolverOf(t, tt.zone, endpoint.Catalog{Endpoints: []endpoint.Endpoint{tt.endpoint}, ZoneNames: tt.names})
			if tt.unhealthy {
				r.Resolve(host).Failed(resolver.CauseAbsent, nil)
			}
			got, route := call(t, r, p.config(), func(ctx context.Context, cfg aws.Config) error {
				_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, nil)
				return err
			})
			if got.host != tt.want {
				t.Errorf("got %s, want %s", got.host, tt.want)
			}
			if route.Target != tt.target || route.Reason != tt.reason || route.Fallback != tt.wantReturn {
				t.Errorf("got %v, %v, fallback %q; want %v, %v, %q", route.Target, route.Reason, route.Fallback, tt.target, tt.reason, tt.wantReturn)
			}
		})
	}
}
