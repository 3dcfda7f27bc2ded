module github.com/azaffinity/azaffinity/resolver/discovery

go 1.24

require (
	github.com/aws/aws-sdk-go-v2 v1.33.0
	github.com/aws/aws-sdk-go-v2/feature/ec2/imds v1.15.2
	github.com/aws/aws-sdk-go-v2/service/ec2 v1.200.0
	github.com/aws/smithy-go v1.22.1
	github.com/azaffinity/azaffinity v0.1.0
)

require (
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.3.28 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.6.28 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.12.1 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url v1.12.9 // indirect
)

replace github.com/azaffinity/azaffinity => ../../
