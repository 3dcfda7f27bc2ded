package inlab

import (
	"context"
	"encoding/json"
	"os"
	"strings"
)

// dnsEntries are what AWS lists as the endpoints' names: regional, zonal and private ones.
func (v *VPC) dnsEntries() string {
	var listed struct {
		VpcEndpoints []struct{ DnsEntries []struct{ DnsName string } }
	}
	_ = json.Unmarshal(v.DescribeVpcEndpoints(), &listed) // the lab's own JSON
	var names []string
	for _, e := range listed.VpcEndpoints {
		for _, entry := range e.DnsEntries {
			names = append(names, entry.DnsName)
		}
	}
	return strings.Join(names, ",")
}

// Setenv hands the environment of a program on an instance to set: t.Setenv, or one of os.Setenv's kind. Nothing of this
// machine's own environment or metadata is left in it that could lead anywhere else.
func (v *VPC) Setenv(set func(name, value string)) {
	for _, name := range []string{
		"AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN", "ECS_CONTAINER_METADATA_URI_V4",
		"AZAFFINITY_ENDPOINTS_FILE", "AZAFFINITY_ZONE", "AZAFFINITY_ZONE_NAMES", "AZAFFINITY_MODE", "AZAFFINITY_SHIFT_FILE",
	} {
		set(name, "")
	}
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": v.IMDSEndpoint(), "AZAFFINITY_ENDPOINTS": v.dnsEntries(),
		"QUEUE_URL": v.QueueURL, "BUCKET": Bucket,
	} {
		set(name, value)
	}
	who, _ := v.Config().Credentials.Retrieve(context.Background()) // static: cannot fail
	set("AWS_ACCESS_KEY_ID", who.AccessKeyID)
	set("AWS_SECRET_ACCESS_KEY", who.SecretAccessKey)
	set("AWS_ACCOUNT_ID", who.AccountID)
}
