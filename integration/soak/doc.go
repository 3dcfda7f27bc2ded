// Package soak holds the test under load: callers that use S3, DynamoDB, SQS and STS as programs do, over HTTP/1.1 and HTTP/2, with the SDK's
// own HTTP client settings and retries, once with azaffinity and once without it, while the same faults come and go at random in one zone of
// both at a time, and to the process. It has nothing to import.
//
//	go test -race -v ./soak                                                # 15 s
//	AZAFFINITY_SOAK=30m go test -v -timeout 0 ./soak                       # as long as that
//	AZAFFINITY_SOAK_SEED=7 AZAFFINITY_SOAK=30m go test …                   # the same faults again
package soak
