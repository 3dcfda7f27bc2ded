// Package failover holds the tests that calls are answered although the zonal name can't be reached, once, and intact. It has nothing to import.
//
// What comes of a call in each fault of the home zone's front end is this table, which TestMatrix measures and compares with what is promised. It is the
// same over HTTP/1.1 and HTTP/2. "retries" are the SDK's, three attempts by default.
//
//	| fault                                 | retries | S3 put | S3 put, trailer | S3 put, 100 Continue | S3 put of a stream | S3 put of a stream, trailer | SQS send       | DynamoDB put   | Kinesis stream | SQS long poll  |
//	|---------------------------------------|---------|--------|-----------------|----------------------|--------------------|-----------------------------|----------------|----------------|----------------|----------------|
//	| none                                  | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| name absent (NXDOMAIN)                | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| name without address (NODATA)         | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| DNS fails (SERVFAIL)                  | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| DNS is silent                         | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| connection refused                    | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| black hole                            | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| hangs before TLS                      | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| another's certificate                 | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| reset after the request               | on      | 1      | 1               | 1                    | err 0              | err 0                       | 1              | 1              | 1              | 1              |
//	|                                       | off     | err 0  | err 0           | err 0                | err 0              | err 0                       | err 0          | err 0          | err 0          | err 0          |
//	| reset before the answer               | on      | 2 of 3 | 2 of 3          | 2 of 3               | err 1              | err 1                       | 2 of 3         | 2 of 3         | 2 of 3         | 2 of 3         |
//	|                                       | off     | err 1  | err 1           | err 1                | err 1              | err 1                       | err 1          | err 1          | err 1          | err 1          |
//	| reset within the answer               | on      | 2 of 3 | 2 of 3          | 2 of 3               | err 1              | err 1                       | 1 to 3, 2 of 3 | 1 to 3, 2 of 3 | 1 to 3, 2 of 3 | 1 to 3, 2 of 3 |
//	|                                       | off     | err 1  | err 1           | err 1                | err 1              | err 1                       | err 1          | err 1          | err 1          | err 1          |
//	| black hole under a connection         | on      | 1      | 1               | 1                    | wait 0             | wait 0                      | 1              | 1              | 1              | 1              |
//	|                                       | off     | wait 0 | wait 0          | wait 0               | wait 0             | wait 0                      | wait 0         | wait 0         | wait 0         | wait 0         |
//	| slow service                          | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| stall with a deadline                 | on, off | wait 0 | wait 0          | wait 0               | wait 0             | wait 0                      | wait 0         | wait 0         | wait 0         | wait 0         |
//	| 503 without a request id              | on      | 1      | 1               | 1                    | err 0              | err 0                       | 1              | 1              | 1              | 1              |
//	|                                       | off     | err 0  | err 0           | err 0                | err 0              | err 0                       | err 0          | err 0          | err 0          | err 0          |
//	| 500 with a request id                 | on      | 1      | 1               | 1                    | err 0              | err 0                       | 1              | 1              | 1              | 1              |
//	|                                       | off     | err 0  | err 0           | err 0                | err 0              | err 0                       | err 0          | err 0          | err 0          | err 0          |
//	| 503 with a request id                 | on      | 1      | 1               | 1                    | err 0              | err 0                       | 1              | 1              | 1              | 1              |
//	|                                       | off     | err 0  | err 0           | err 0                | err 0              | err 0                       | err 0          | err 0          | err 0          | err 0          |
//	| name absent, client that reads bodies | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//	| name absent, client that logs bodies  | on, off | 1      | 1               | 1                    | 1                  | 1                           | 1              | 1              | 1              | 1              |
//
// A cell is how often the server executed the request:
//
//	1        once, and the call was answered
//	2 of 3   twice, and the call was answered: the SDK sent it again after its connection had broken. The bare SDK, with the zonal name for its endpoint,
//	         had it executed 3 times.
//	err 1    once, and the caller got the error that the bare SDK gets in the same fault
//	wait 0   never: the call was left to its caller's deadline, as the bare SDK leaves it, since nobody may send it again, or no time is left. Three calls in a
//	         row that end so eject the name, and the next ones go elsewhere.
//	1 to 3   as the SDK happens to read the error, over HTTP/2: it retries one that says "connection reset" and none that says "unexpected EOF"
//
// The workloads: S3's PutObject of bytes and of a stream that can't be rewound, with and without a trailing checksum, and with
// Expect: 100-continue, as from 2 MiB on; SQS's SendMessage; DynamoDB's PutItem on the condition that nothing is there; Kinesis's SubscribeToShard, read to its end; SQS's
// ReceiveMessage for a message that comes later. The client that reads bodies is one of somebody else's that has read them before it connects, and retries by
// itself; the client that logs bodies is the SDK's own.
//
// # HTTP clients of somebody else's
//
// An HTTP client that azaffinity knows nothing of is the lesser mode: what is proven never to have been sent goes elsewhere, and so do the SDK's retries, but
// nobody notices a path that died, and the regional name may lead to the zone with the fault again. A stream goes to the regional name until another request was
// answered under the zonal one. TestForeignMatrix measures it over HTTP/1.1:
//
//	| fault                         | retries | S3 put | S3 put of a stream | SQS send |
//	|-------------------------------|---------|--------|--------------------|----------|
//	| none                          | on, off | 1      | 1                  | 1        |
//	| name absent (NXDOMAIN)        | on, off | 1      | 1                  | 1        |
//	| name without address (NODATA) | on, off | 1      | 1                  | 1        |
//	| DNS fails (SERVFAIL)          | on, off | 1      | 1                  | 1        |
//	| DNS is silent                 | on, off | 1      | 1                  | 1        |
//	| connection refused            | on, off | 1      | 1                  | 1        |
//	| black hole                    | on, off | 1      | 1                  | 1        |
//	| hangs before TLS              | on, off | 1      | 1                  | 1        |
//	| another's certificate         | on, off | 1      | 1                  | 1        |
//	| reset after the request       | on      | 1      | err 0              | 1        |
//	|                               | off     | err 0  | err 0              | err 0    |
//	| reset before the answer       | on      | 2 of 3 | err 1              | 2 of 3   |
//	|                               | off     | err 1  | err 1              | err 1    |
//	| reset within the answer       | on      | 2 of 3 | err 1              | 2 of 3   |
//	|                               | off     | err 1  | err 1              | err 1    |
//	| black hole under a connection | on, off | wait 0 | wait 0             | wait 0   |
//	| slow service                  | on, off | 1      | 1                  | 1        |
//	| stall with a deadline         | on, off | wait 0 | wait 0             | wait 0   |
//	| 503 without a request id      | on      | 1      | err 0              | 1        |
//	|                               | off     | err 0  | err 0              | err 0    |
//	| 500 with a request id         | on      | 1      | err 0              | 1        |
//	|                               | off     | err 0  | err 0              | err 0    |
//	| 503 with a request id         | on      | 1      | err 0              | 1        |
//	|                               | off     | err 0  | err 0              | err 0    |
//
// # Plain clients
//
// Clients without an SDK that send presigned URLs, and whatever else has one host, use the dialer's RoundTripper. TestPromisesToPlainClients has each of the faults
// above strike the zone under 1, 16 and 128 callers who put and get in turn, over HTTP/1.1 and HTTP/2, under the endpoint's regional name and S3's own, begun before the
// first request and after it, and compares them with an http.Transport that has the same settings, and whose first connection leads to the zone:
//
//	what nobody was sent                  all are answered, once; a black hole costs a call 0.3 s at most
//	what was sent and not answered        is the caller's error, once: a handful, or those in flight; then calls go elsewhere. Over HTTP/1.1 net/http sends a
//	                                      GET again whose kept connection breaks
//	slow                                  all are answered in the zone
//	after the repair                      calls are in the zone within 15 s, by the same protocol, with no pool drained
//
// A bare client has no such handful if its connection breaks (DNS says another zone next), and fails for as long as its connection holds if it doesn't (5xx,
// unanswered). After a fault of answers that lasts for minutes the zone is left for as long again at most, since each try is somebody's request.
//
//	go test -run Promises ./failover                                         # the quick cells, less than a minute
//	AZAFFINITY_FAILOVER=long go test -v -timeout 30m -run Plain ./failover   # all, with a table of what came of them, and long faults
package failover
