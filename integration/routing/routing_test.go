package routing

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iotdataplane"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/timestreamquery"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// partition is a Region with the names that AWS gives things in it.
type partition struct{ region, zone, suffix, arn string }

var partitions = map[string]partition{
	"commercial": {"us-east-1", "us-east-1a", "amazonaws.com", "aws"},
	"China":      {"cn-north-1", "cn-north-1a", "amazonaws.com.cn", "aws-cn"},
	"GovCloud":   {"us-gov-west-1", "us-gov-west-1a", "amazonaws.com", "aws-us-gov"},
}

const regionalLabel = "vpce-0a1b2c3d4e5f60718-lj2wisx3"

func (p partition) regional(service string) string {
	return regionalLabel + "." + service + "." + p.region + ".vpce." + p.suffix
}

func (p partition) zonal(service string) string {
	return regionalLabel + "-" + p.zone + "." + service + "." + p.region + ".vpce." + p.suffix
}

// iot is a host that is spelled in two ways.
func (p partition) iot() string {
	if p.arn == "aws-cn" {
		return "data.ats.iot"
	}
	return "data-ats.iot"
}

func (p partition) config() aws.Config {
	c := sdkCredentials
	return aws.Config{
		Region:                     p.region,
		Credentials:                credentials.StaticCredentialsProvider{Value: c},
		RetryMaxAttempts:           1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
	}
}

// withAccount has credentials that carry an account id, as most do today.
func withAccount(cfg aws.Config) aws.Config {
	c := sdkCredentials
	c.AccountID = accountID
	cfg.Credentials = credentials.StaticCredentialsProvider{Value: c}
	return cfg
}

func newResolver(t *testing.T, z zone.Zone, endpoints ...endpoint.Endpoint) *resolver.Resolver {
	t.Helper()
	return newResolverOf(t, z, endpoint.Catalog{Endpoints: endpoints})
}

func newResolverOf(t *testing.T, z zone.Zone, cat endpoint.Catalog) *resolver.Resolver {
	t.Helper()
	opts := []resolver.Option{resolver.WithEndpoints(source{cat}), resolver.WithZone(zone.Static(z))}
	if z == (zone.Zone{}) {
		opts[1] = resolver.WithZone(noZone{})
	}
	r, err := resolver.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// source answers with a whole catalogue at once.
type source struct{ catalog endpoint.Catalog }

func (s source) Endpoints(context.Context) (endpoint.Catalog, error) { return s.catalog, nil }

func (s source) Answer(context.Context, bool) (endpoint.Answer, error) {
	return endpoint.Answer{Catalog: s.catalog}, nil
}

// noZone never knows.
type noZone struct{}

func (noZone) Zone(ctx context.Context) (zone.Zone, error) {
	<-ctx.Done()
	return zone.Zone{}, ctx.Err()
}

// row is one service of the tables: a call of its client, and what becomes of the
// host that the client resolves.
type row struct {
	name    string
	service string // the endpoint's: the vpce label
	signer  string // the service of the credential scope
	account bool   // credentials carry an account id
	once    bool   // the body can't be sent again, so the zonal name has to have answered before
	// host is what the client resolves and want what is dialled instead; in both
	// <r> stands for the Region, <s> for the DNS suffix and <zonal> for the
	// zonal name.
	host, want string
	call       func(context.Context, aws.Config, partition) error
}

var rows = []row{
	{
		name: "SQS", service: "sqs", signer: "sqs", host: "sqs.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, nil)
			return err
		},
	},
	{
		name: "STS", service: "sts", signer: "sts", host: "sts.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
			return err
		},
	},
	{
		name: "KMS", service: "kms", signer: "kms", host: "kms.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := kms.NewFromConfig(cfg).ListKeys(ctx, nil)
			return err
		},
	},
	{
		name: "ECR API", service: "api.ecr", signer: "ecr", host: "api.ecr.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := ecr.NewFromConfig(cfg).DescribeRepositories(ctx, nil)
			return err
		},
	},
	{
		name: "CloudWatch Logs", service: "logs", signer: "logs", host: "logs.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, nil)
			return err
		},
	},
	{
		name: "Step Functions", service: "states", signer: "states", host: "states.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := sfn.NewFromConfig(cfg).ListStateMachines(ctx, nil)
			return err
		},
	},
	{
		name: "Step Functions sync, behind a host prefix", service: "sync-states", signer: "states", host: "sync-states.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, p partition) error {
			_, err := sfn.NewFromConfig(cfg).StartSyncExecution(ctx, &sfn.StartSyncExecutionInput{
				StateMachineArn: aws.String("arn:" + p.arn + ":states:" + p.region + ":" + accountID + ":stateMachine:m"),
			})
			return err
		},
	},
	{
		name: "SageMaker runtime", service: "runtime.sagemaker", signer: "sagemaker", host: "runtime.sagemaker.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := sagemakerruntime.NewFromConfig(cfg).InvokeEndpoint(ctx, &sagemakerruntime.InvokeEndpointInput{
				EndpointName: aws.String("model"), Body: []byte("{}"),
			})
			return err
		},
	},
	{
		name: "Bedrock runtime", service: "bedrock-runtime", signer: "bedrock", host: "bedrock-runtime.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := bedrockruntime.NewFromConfig(cfg).InvokeModel(ctx, &bedrockruntime.InvokeModelInput{
				ModelId: aws.String("model"), Body: []byte("{}"),
			})
			return err
		},
	},
	{
		name: "Timestream query, discovering its cell", service: "query.timestream", signer: "timestream", host: "query.timestream.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := timestreamquery.NewFromConfig(cfg).DescribeEndpoints(ctx, &timestreamquery.DescribeEndpointsInput{})
			return err
		},
	},
	{
		name: "IoT data plane", service: "data.iot", signer: "iotdata", host: "<iot>.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := iotdataplane.NewFromConfig(cfg).Publish(ctx, &iotdataplane.PublishInput{Topic: aws.String("t"), Payload: []byte("x")})
			return err
		},
	},
	{
		name: "DynamoDB", service: "dynamodb", signer: "dynamodb", host: "dynamodb.<r>.<s>", want: "<zonal>",
		call: listTables,
	},
	{
		name: "DynamoDB, account-based", service: "dynamodb", signer: "dynamodb", account: true,
		host: accountID + ".ddb.<r>.<s>", want: "<zonal>",
		call: listTables,
	},
	{
		name: "DynamoDB Streams", service: "streams.dynamodb", signer: "dynamodb", host: "streams.dynamodb.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := dynamodbstreams.NewFromConfig(cfg).ListStreams(ctx, nil)
			return err
		},
	},
	{
		name: "Kinesis", service: "kinesis", signer: "kinesis", host: "kinesis.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := kinesis.NewFromConfig(cfg).ListStreams(ctx, nil)
			return err
		},
	},
	{
		name: "Kinesis, account-based data", service: "kinesis", signer: "kinesis", account: true,
		host: accountID + ".data-kinesis.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, p partition) error {
			_, err := kinesis.NewFromConfig(cfg).PutRecord(ctx, &kinesis.PutRecordInput{
				StreamARN: aws.String("arn:" + p.arn + ":kinesis:" + p.region + ":" + accountID + ":stream/s"), Data: []byte("x"), PartitionKey: aws.String("k"),
			})
			return err
		},
	},
	{
		name: "Kinesis, account-based control", service: "kinesis", signer: "kinesis", account: true,
		host: accountID + ".control-kinesis.<r>.<s>", want: "<zonal>",
		call: func(ctx context.Context, cfg aws.Config, p partition) error {
			_, err := kinesis.NewFromConfig(cfg).ListShards(ctx, &kinesis.ListShardsInput{
				StreamARN: aws.String("arn:" + p.arn + ":kinesis:" + p.region + ":" + accountID + ":stream/s"),
			})
			return err
		},
	},
	{
		name: "S3, virtual-hosted style", service: "s3", signer: "s3", host: "photos.s3.<r>.<s>", want: "photos.bucket.<zonal>",
		call: getObject("photos"),
	},
	{
		name: "S3, a bucket called after FIPS", service: "s3", signer: "s3", host: "my-fips-reports.s3.<r>.<s>", want: "my-fips-reports.bucket.<zonal>",
		call: getObject("my-fips-reports"),
	},
	{
		name: "S3, writing with a trailing checksum", service: "s3", signer: "s3", once: true, host: "photos.s3.<r>.<s>", want: "photos.bucket.<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := s3.NewFromConfig(cfg).PutObject(ctx, &s3.PutObjectInput{
				Bucket: aws.String("photos"), Key: aws.String("a b/ü"), Body: bytes.NewReader([]byte("hello")),
			})
			return err
		},
	},
	{
		name: "S3, path style", service: "s3", signer: "s3", host: "s3.<r>.<s>", want: "bucket.<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("photos")})
			return err
		},
	},
	{
		name: "S3, listing buckets", service: "s3", signer: "s3", host: "s3.<r>.<s>", want: "bucket.<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := s3.NewFromConfig(cfg).ListBuckets(ctx, nil)
			return err
		},
	},
	{
		name: "S3, access point by ARN", service: "s3", signer: "s3",
		host: "team-" + accountID + ".s3-accesspoint.<r>.<s>", want: "team-" + accountID + ".accesspoint.<zonal>",
		call: func(ctx context.Context, cfg aws.Config, p partition) error {
			return getObject("arn:"+p.arn+":s3:"+p.region+":"+accountID+":accesspoint/team")(ctx, cfg, p)
		},
	},
	{
		name: "S3, access point by alias", service: "s3", signer: "s3",
		host: "team-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias.s3.<r>.<s>", want: "team-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias.bucket.<zonal>",
		call: getObject("team-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias"),
	},
	{
		name: "S3 Control", service: "s3", signer: "s3", host: accountID + ".s3-control.<r>.<s>", want: accountID + ".control.<zonal>",
		call: func(ctx context.Context, cfg aws.Config, _ partition) error {
			_, err := s3control.NewFromConfig(cfg).ListAccessPoints(ctx, &s3control.ListAccessPointsInput{AccountId: aws.String(accountID)})
			return err
		},
	},
}

func listTables(ctx context.Context, cfg aws.Config, _ partition) error {
	_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, nil)
	return err
}

func getObject(bucket string) func(context.Context, aws.Config, partition) error {
	return func(ctx context.Context, cfg aws.Config, _ partition) error {
		_, err := s3.NewFromConfig(cfg).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("key")})
		return err
	}
}

func (p partition) fill(pattern, service string) string {
	return strings.NewReplacer("<iot>", p.iot(), "<r>", p.region, "<s>", p.suffix, "<zonal>", p.zonal(service), "<regional>", p.regional(service)).Replace(pattern)
}

// star is the name as AWS prints it.
func star(service, name string) string {
	if service == "s3" {
		return "*." + name
	}
	return name
}

// Given an endpoint of which no more than the regional name is known, when a real
// client calls its service, then the request is dialled at and signed for the
// zonal name, for the Region and service that the client meant. A body that can't be
// sent again waits until the zonal name has answered.
func TestServiceHostsGoToTheZonalName(t *testing.T) {
	for where, p := range partitions {
		for _, row := range rows {
			t.Run(where+"/"+row.name, func(t *testing.T) {
				cfg := p.config()
				if row.account {
					cfg = withAccount(cfg)
				}
				do := func(ctx context.Context, cfg aws.Config) error { return row.call(ctx, cfg, p) }

				bare, _ := call(t, nil, cfg, do)
				if want := p.fill(row.host, row.service); bare.host != want {
					t.Fatalf("the SDK itself resolves %s, and this test expects %s", bare.host, want)
				}

				r := newResolver(t, zone.Zone{Name: p.zone}, endpoint.Endpoint{Regional: star(row.service, p.regional(row.service))})
				if row.once {
					if _, route := call(t, r, cfg, do); route.Target != resolver.Regional || route.Reason != resolver.Untried {
						t.Errorf("before the zonal name has answered: got route %+v, want Regional, Untried", route)
					}
					r.Resolve(bare.host).Answered()
				}
				got, route := call(t, r, cfg, do)
				want := sent{host: p.fill(row.want, row.service), region: bare.region, signer: row.signer}
				if got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				if route.Host != want.host || route.Target != resolver.Zonal || route.Reason != resolver.InZone {
					t.Errorf("got route %+v, want %s, Zonal, InZone", route, want.host)
				}
				wantFallback := strings.Replace(want.host, "-"+p.zone+".", ".", 1)
				if route.Fallback != wantFallback {
					t.Errorf("got fallback %s, want %s: the public path is not the endpoint's", route.Fallback, wantFallback)
				}
			})
		}
	}
}
