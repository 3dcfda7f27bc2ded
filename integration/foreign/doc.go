// Package foreign runs programs and libraries of others, unchanged and attached to azaffinity as the README says, in the lab: healthy, and when their zone
// goes while they work. They are:
//
//	gocloud.dev/blob/s3blob                        objects written and read
//	gocloud.dev/pubsub/awssnssqs                   a worker on SQS: sends and deletes in batches, receives
//	github.com/guregu/dynamo/v2                    items written and read
//	github.com/hashicorp/aws-sdk-go-base/v2        a config with its own retryer and http.Client, and its STS calls
//	github.com/tus/tusd/v2                         its server of resumable uploads, on S3
//	aws-sdk-go-v2/feature/s3/manager               two parts up, and down
//	aws-sdk-go-v2/feature/s3/transfermanager       two parts up, and down
//
// Each has been instrumented by otelaws when the zone refuses, and by Datadog's tracer when it is a black hole. Versions are in go.mod. It is a module that
// is not in go.work, so what all these require is required here only.
//
// Another program is a function more in the table.
package foreign
