module github.com/azaffinity/azaffinity/resolver/autoshift

go 1.24

require (
	github.com/aws/aws-sdk-go-v2 v1.36.3
	github.com/aws/aws-sdk-go-v2/service/arczonalshift v1.15.0
	github.com/azaffinity/azaffinity v0.1.0
)

require (
	github.com/aws/aws-sdk-go-v2/feature/ec2/imds v1.15.2 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.3.34 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.6.34 // indirect
	github.com/aws/smithy-go v1.22.2 // indirect
)

replace github.com/azaffinity/azaffinity => ../../
