package services

import (
	"slices"
	"strings"
	"testing"
)

// Given a vpce label, when its hosts are asked for, then they are those that the
// SDK's clients resolve in that Region and partition.
func TestHosts(t *testing.T) {
	const commercial, china = "amazonaws.com", "amazonaws.com.cn"
	tests := []struct {
		name, label, region, suffix, want string // want is separated by spaces
		unknown                           bool
	}{
		{name: "by the rule", label: "sqs", region: "us-east-1", suffix: commercial, want: "sqs.us-east-1.amazonaws.com"},
		{name: "by the rule, with dots", label: "api.ecr", region: "cn-north-1", suffix: china, want: "api.ecr.cn-north-1.amazonaws.com.cn"},
		{name: "by the rule, with a dash", label: "bedrock-agent-runtime", region: "us-east-1", suffix: commercial, want: "bedrock-agent-runtime.us-east-1.amazonaws.com"},
		{name: "behind an operation's host prefix", label: "data-servicediscovery", region: "us-east-1", suffix: commercial, want: "data-servicediscovery.us-east-1.amazonaws.com"},
		{name: "FIPS", label: "kms-fips", region: "us-east-1", suffix: commercial, want: "kms-fips.us-east-1.amazonaws.com"},
		{name: "one host for all Regions", label: "iam", region: "us-east-1", suffix: commercial, want: "iam.amazonaws.com"},
		{name: "one host, in China", label: "iam", region: "cn-northwest-1", suffix: china, want: "iam.cn-north-1.amazonaws.com.cn"},
		{name: "one host, in GovCloud", label: "iam", region: "us-gov-west-1", suffix: commercial, want: "iam.us-gov.amazonaws.com"},
		{name: "one host, FIPS", label: "iam-fips", region: "us-east-1", suffix: commercial, want: "iam-fips.amazonaws.com"},
		{name: "one Region for all", label: "organizations", region: "eu-west-1", suffix: commercial, want: "organizations.us-east-1.amazonaws.com"},
		{name: "the dual-stack suffix alone", label: "qbusiness", region: "us-east-1", suffix: commercial, want: "qbusiness.us-east-1.api.aws"},
		{name: "the dual-stack suffix alone, in China", label: "qbusiness", region: "cn-north-1", suffix: china, want: "qbusiness.cn-north-1.api.amazonwebservices.com.cn"},
		{name: "the dual-stack suffix alone, FIPS", label: "qbusiness-fips", region: "us-east-1", suffix: commercial, want: "qbusiness-fips.us-east-1.api.aws"},
		{name: "another spelling, FIPS", label: "transcribe-fips", region: "cn-north-1", suffix: china, want: "transcribe-fips.cn-north-1.amazonaws.com.cn"},
		{name: "launched after the SDK's data", label: "s3vectors", region: "eu-west-1", suffix: commercial, want: "s3vectors.eu-west-1.api.aws"},
		{name: "another spelling", label: "data.iot", region: "us-east-1", suffix: commercial, want: "data-ats.iot.us-east-1.amazonaws.com data.ats.iot.us-east-1.amazonaws.com"},
		{name: "odd in China alone: there", label: "transcribe", region: "cn-north-1", suffix: china, want: "cn.transcribe.cn-north-1.amazonaws.com.cn"},
		{name: "odd in China alone: elsewhere", label: "transcribe", region: "us-east-1", suffix: commercial, want: "transcribe.us-east-1.amazonaws.com"},
		{name: "odd elsewhere: by the rule", label: "iam", region: "us-iso-west-1", suffix: "sc2s.sgov.gov", want: "iam.us-iso-west-1.sc2s.sgov.gov"},
		{name: "a service under its own suffix", label: "notebook", region: "us-east-1", suffix: "sagemaker.aws", want: "notebook.us-east-1.sagemaker.aws"},
		{name: "an unknown label", label: "ecs-agent", region: "us-east-1", suffix: commercial, want: "ecs-agent.us-east-1.amazonaws.com", unknown: true},
		{name: "a part of a label", label: "sq", region: "us-east-1", suffix: commercial, want: "sq.us-east-1.amazonaws.com", unknown: true},
		{name: "the end of a label", label: "ecr", region: "us-east-1", suffix: commercial, want: "ecr.us-east-1.amazonaws.com", unknown: true},
		{name: "FIPS of an unknown label", label: "nosuch-fips", region: "us-east-1", suffix: commercial, want: "nosuch-fips.us-east-1.amazonaws.com", unknown: true},
		{name: "a line of the file that is none of its labels", label: "# Code", region: "us-east-1", suffix: commercial, want: "# Code.us-east-1.amazonaws.com", unknown: true},
		{name: "two lines", label: "sns\nsqs", region: "us-east-1", suffix: commercial, want: "sns\nsqs.us-east-1.amazonaws.com", unknown: true},
		{name: "no label", label: "", region: "us-east-1", suffix: commercial, want: ".us-east-1.amazonaws.com", unknown: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hosts, known := Hosts(tt.label, tt.region, tt.suffix)
			if got := strings.Join(hosts, " "); got != tt.want || known == tt.unknown {
				t.Errorf("got %q, known %t; want %q, known %t", got, known, tt.want, !tt.unknown)
			}
		})
	}
}

// Given the table, when its lines are read, then each is a label in order, with
// patterns that become hosts in every partition that they are for.
func TestTable(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	if !strings.HasPrefix(lines[0], "# Code generated ") {
		t.Errorf("the first line is %q, want one that says what it was generated from", lines[0])
	}
	var labels []string
	regions := map[string][2]string{
		"aws": {"us-east-1", "amazonaws.com"}, "aws-cn": {"cn-north-1", "amazonaws.com.cn"}, "aws-us-gov": {"us-gov-west-1", "amazonaws.com"},
		"aws-iso": {"us-iso-east-1", "c2s.ic.gov"}, "aws-iso-b": {"us-isob-east-1", "sc2s.sgov.gov"}, "aws-iso-e": {"eu-isoe-west-1", "cloud.adc-e.uk"},
	}
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		if strings.Join(fields, " ") != line || line == "" {
			t.Errorf("line %q has spaces that the lookup does not expect", line)
			continue
		}
		labels = append(labels, fields[0])
		for _, field := range fields[1:] {
			if where, _, ok := strings.Cut(field, ":"); ok && regions[where] == [2]string{} {
				t.Errorf("line %q: %q is no partition", line, where)
			}
		}
		for where, r := range regions {
			hosts, known := Hosts(fields[0], r[0], r[1])
			if !known || len(hosts) == 0 || strings.ContainsAny(strings.Join(hosts, ""), "{}:") {
				t.Errorf("%s in %s: got %q, known %t; want hosts of a known service", fields[0], where, hosts, known)
			}
		}
	}
	if len(labels) < 400 || !slices.IsSorted(labels) || len(slices.Compact(slices.Clone(labels))) != len(labels) {
		t.Errorf("got %d labels, want at least 400 in order, each once", len(labels))
	}
}

var sink int

func BenchmarkHosts(b *testing.B) {
	for _, label := range []string{"access-analyzer", "sqs", "iam", "xray", "unknown"} {
		b.Run(label, func(b *testing.B) {
			for b.Loop() {
				hosts, _ := Hosts(label, "us-east-1", "amazonaws.com")
				sink += len(hosts)
			}
		})
	}
}
