// Package lab is a VPC in one process: Availability Zones, interface endpoints with regional, zonal and private DNS names, and the AWS services
// behind them, for tests and demonstrations of programs that use aws-sdk-go-v2. It needs no AWS account and no root rights.
//
//	l, err := lab.Start(lab.Options{Buckets: []string{"photos"}})
//	if err != nil { ... }
//	defer l.Close()
//	client := sqs.NewFromConfig(l.Config(), func(o *sqs.Options) {
//		o.BaseEndpoint = aws.String("https://" + l.ZonalName("sqs", "us-east-1a"))
//	})
//
// # What is real and what is not
//
// Real: DNS questions and answers over UDP and TCP, TCP connections over loopback, TLS with certificates for the names AWS's certificates cover,
// HTTP, and signatures: each front end computes the SigV4 signature of what it received, with an implementation other than the SDK's, so that a
// host changed after signing is refused. A [Fault] is one on the wire: a refused connection is refused by the kernel, and in a black hole the kernel drops
// packets, so that TCP_INFO of the client's connections says what it would say on a network.
//
// Built for the lab: S3 is gofakes3. SQS, DynamoDB, Kinesis and STS are small fakes made from AWS's documentation, of these operations only:
//
//	sqs       CreateQueue, GetQueueUrl, ListQueues, SendMessage and DeleteMessage (and batches of them), ReceiveMessage (with long polls)
//	dynamodb  PutItem (with attribute_not_exists), GetItem, DescribeTable, ListTables
//	kinesis   SubscribeToShard
//	sts       GetCallerIdentity
//
// What the lab does not have, its user brings: an [Endpoint] for ECR's registry, for private REST APIs or for a partner's service has an http.Handler behind
// it, or any TCP server (a database, say), whose connections are counted by zone: see [Lab.ConnectionsOf].
//
// Another operation is answered as the protocol answers an unknown one. All zones share one state, as they do in a Region. Known differences:
//
//   - A lab is a block of addresses, 127.B.0.0/16, that no other lab on this machine has. Clients in zone N are at 127.B.N.1, which is how a front end
//     knows how far away they are, and the lab's configs and clients dial from there. Endpoint M has 127.B.N.(10+M) in that zone: see [Lab.Address].
//     With [Options.Network] a zone is a network namespace with packets that take time, and this process is in the Home zone.
//   - Front ends listen at port 443, unless their endpoint says otherwise. Where this process may not, they have ports of their own: the lab's dialer asks the lab's DNS for the address and
//     then goes to the port that the endpoint has there. A connection's RemoteAddr is the front end's true address, and may be dialled as it is.
//   - A public service name ("sqs.us-east-1.amazonaws.com") is NXDOMAIN unless an endpoint has private DNS for it: there is no way out of this VPC.
//   - Every refused signature is a 403 with AWS's code for it (SignatureDoesNotMatch, MissingAuthenticationToken, ...), also if a service uses 400.
//   - S3 bodies with an unsigned trailer are verified with the SDK's own signer: AWS's other one can't express their payload hash.
//   - Bodies signed chunk by chunk (STREAMING-AWS4-HMAC-SHA256-...) are answered 501; the Go SDK does not send them over https.
//   - A Kinesis subscription has three records, and ends after them. It can be renewed at once, and works over HTTP/1.1, too.
//   - Names of S3's access points and of its control API resolve and verify, and then answer 501.
//   - A request body may be 64 MiB long.
//   - In a black hole, packets to the server are lost. The server says nothing either, but for what its kernel had sent before and has no acknowledgement
//     of: that is sent again, and arrives.
//   - With [Options.Distance], connecting itself takes no time; see there. [Jitter] makes packets late, and keeps their order.
//   - The lab has no half-closed connections. Of an endpoint's Server it knows nothing but bytes: faults of TLS and HTTP leave it alone.
//   - A Handler's endpoint reads requests whole, so HTTP/2's streams in both directions don't work behind one. ECR's layers come from the registry itself,
//     not from S3.
//
// The lab is made for Linux, where all of 127.0.0.0/8 is the loopback. It logs nothing, sends nothing anywhere else, and [Lab.Close] ends all of it. Labs do
// not see each other, in one process or in several.
package lab
