package discovery

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/azaffinity/azaffinity/internal/owncall"
)

// maxAnswer bounds what is read for one ask, all pages together. An endpoint
// takes 3 KB, and up to 20 KB more for its policy; a VPC has 50 interface
// endpoints unless its owner had the quota raised ("AWS PrivateLink quotas").
const maxAnswer = 16 << 20

// newClient makes a client for a caller that has time and asks again by itself.
func newClient(cfg aws.Config) *ec2.Client {
	return ec2.NewFromConfig(cfg, func(o *ec2.Options) {
		o.Retryer, o.RetryMaxAttempts = owncall.Retryer(), owncall.MaxAttempts
	})
}

// own returns the options that every call of one ask is made with.
func own(budget *owncall.Budget) func(*ec2.Options) {
	return func(o *ec2.Options) { o.APIOptions = append(o.APIOptions, owncall.Stack(budget)) }
}
