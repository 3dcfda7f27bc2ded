module github.com/azaffinity/azaffinity

go 1.24

require (
	github.com/aws/aws-sdk-go-v2 v1.25.2
	github.com/aws/aws-sdk-go-v2/feature/ec2/imds v1.15.2
	github.com/aws/smithy-go v1.21.0
)
