// Package soak holds the test under load: callers that use S3, DynamoDB, SQS and STS as programs do, with the SDK's own HTTP client
// settings and retries, while faults come and go at random in one zone at a time. It has nothing to import.
//
//	go test -race -v ./soak                                                # 15 s
//	AZAFFINITY_SOAK=10m go test -race -v -timeout 0 ./soak                 # as long as that
//	AZAFFINITY_SOAK_SEED=7 AZAFFINITY_SOAK=10m go test …                   # the same faults again
//	AZAFFINITY_SOAK_BARE=1 go test …                                       # without azaffinity, to compare; asserts nothing
package soak
