package discovery

import (
	"strings"
	"testing"
)

// The services whose PrivateLink name, label in vpce names, and SDK host are not
// simply the same word. Private DNS names are those that AWS lists, where it is
// known; "" stands for an endpoint without them.
var irregular = []struct {
	service, label string
	private        string            // separated by spaces
	routes         map[string]string // SDK host -> what stands in front of the zonal name; "-": it is left alone
}{
	{"dynamodb", "dynamodb", "", map[string]string{
		"dynamodb.us-east-1.amazonaws.com": "", "123456789012.ddb.us-east-1.amazonaws.com": "",
	}},
	{"kinesis-streams", "kinesis", "kinesis.us-east-1.amazonaws.com", map[string]string{
		"kinesis.us-east-1.amazonaws.com":                      "",
		"123456789012.data-kinesis.us-east-1.amazonaws.com":    "",
		"123456789012.control-kinesis.us-east-1.amazonaws.com": "",
	}},
	{"kinesis-firehose", "firehose", "firehose.us-east-1.amazonaws.com", map[string]string{"firehose.us-east-1.amazonaws.com": ""}},
	{"ecr.api", "api.ecr", "api.ecr.us-east-1.amazonaws.com ecr.us-east-1.api.aws", map[string]string{
		"api.ecr.us-east-1.amazonaws.com": "", "ecr.us-east-1.api.aws": "",
	}},
	{"ecr.dkr", "dkr.ecr", "dkr.ecr.us-east-1.amazonaws.com *.dkr.ecr.us-east-1.amazonaws.com", map[string]string{
		"123456789012.dkr.ecr.us-east-1.amazonaws.com": "-",
	}},
	{"sagemaker.api", "api.sagemaker", "api.sagemaker.us-east-1.amazonaws.com", map[string]string{"api.sagemaker.us-east-1.amazonaws.com": ""}},
	{"sagemaker.runtime", "runtime.sagemaker", "", map[string]string{"runtime.sagemaker.us-east-1.amazonaws.com": ""}},
	{"sync-states", "sync-states", "sync-states.us-east-1.amazonaws.com", map[string]string{"sync-states.us-east-1.amazonaws.com": ""}},
	{"monitoring", "monitoring", "monitoring.us-east-1.amazonaws.com monitoring-fips.us-east-1.amazonaws.com", map[string]string{
		"monitoring.us-east-1.amazonaws.com": "", "monitoring-fips.us-east-1.amazonaws.com": "",
	}},
	{"logs", "logs", "logs.us-east-1.amazonaws.com", map[string]string{
		"logs.us-east-1.amazonaws.com": "", "stream-logs.us-east-1.amazonaws.com": "-",
	}},
	{"events", "events", "", map[string]string{"events.us-east-1.amazonaws.com": ""}},
	{"sqs-fips", "sqs-fips", "sqs-fips.us-east-1.amazonaws.com", map[string]string{
		"sqs-fips.us-east-1.amazonaws.com": "", "sqs.us-east-1.amazonaws.com": "-",
	}},
	// The labels of these four aren't documented; what counts is the private name.
	{"ecs-agent", "ecs-agent", "ecs-a.us-east-1.amazonaws.com", map[string]string{"ecs-a.us-east-1.amazonaws.com": ""}},
	{"eks-auth", "eks-auth", "eks-auth.us-east-1.api.aws", map[string]string{"eks-auth.us-east-1.api.aws": ""}},
	{"codeartifact.repositories", "repositories.codeartifact", "d.codeartifact.us-east-1.amazonaws.com", map[string]string{
		"d.codeartifact.us-east-1.amazonaws.com": "",
	}},
	{"appstream.api", "api.appstream", "appstream2.us-east-1.amazonaws.com", map[string]string{"appstream2.us-east-1.amazonaws.com": ""}},
	{"iot.data", "data.iot", "", map[string]string{"data-ats.iot.us-east-1.amazonaws.com": ""}},
	{"s3", "s3", "s3.us-east-1.amazonaws.com *.s3.us-east-1.amazonaws.com *.s3-accesspoint.us-east-1.amazonaws.com *.s3-control.us-east-1.amazonaws.com", map[string]string{
		"s3.us-east-1.amazonaws.com":                                "bucket.",
		"photos.s3.us-east-1.amazonaws.com":                         "photos.bucket.",
		"mine-123456789012.s3-accesspoint.us-east-1.amazonaws.com":  "mine-123456789012.accesspoint.",
		"123456789012.s3-control.us-east-1.amazonaws.com":           "123456789012.control.",
		"photos--use1-az4--x-s3.s3express-use1-az4.amazonaws.com":   "-",
		"photos.s3-website-us-east-1.amazonaws.com":                 "-",
		"mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com":    "-",
		"s3.dualstack.us-east-1.amazonaws.com":                      "-",
		"photos-123456789012.s3-object-lambda.us-east-1.amazon.com": "-",
	}},
}

// Given EC2's description of an endpoint, when its service's hosts are resolved,
// then they lead to its name in the zone, or stay, by the rules for that service.
func TestIrregularServices(t *testing.T) {
	for _, tt := range irregular {
		t.Run(tt.service, func(t *testing.T) {
			const id = "vpce-0aaaaaaaaaaaaaaa1"
			r, _ := resolverOn(t, newFakeEC2(t, interfaceTo(id, tt.service, tt.label, strings.Fields(tt.private)...)).source(t))
			for host, front := range tt.routes {
				want := front + id + "-lj2wisx3-us-east-1a." + tt.label + ".us-east-1.vpce.amazonaws.com"
				if front == "-" {
					want = host
				}
				if got := r.Resolve(host); got.Host != want {
					t.Errorf("%s goes to %s (%v), want %s", host, got.Host, got.Reason, want)
				}
			}
		})
	}
}
