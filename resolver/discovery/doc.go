// Package discovery asks EC2 which endpoints the VPC has, so that nobody has to list them.
//
//	src, err := discovery.New(cfg) // the VPC is the instance's; elsewhere add discovery.WithVPC("vpc-…")
//	if err != nil {
//		return err
//	}
//	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithEndpoints(src)))
//
// It is a module of its own, since service/ec2 takes longer to compile than everything else together.
//
// One call of DescribeVpcEndpoints lists the VPC's interface endpoints, with the names that AWS gave them, and its
// gateway endpoints: an S3 or DynamoDB endpoint is not used beside a free gateway endpoint, unless
// resolver.WithInterfaceFor asks for it. What becomes of the list is decided by [endpoint.FromDescriptions], the same
// as for the file that the AWS CLI writes. One call of DescribeAvailabilityZones, once in a process's life, maps zone IDs
// to names. One call of DescribeSubnets, once an hour, says in which zones the VPC's addresses are, which a dialer uses for
// hosts that can't be rewritten.
//
// # When it fails
//
// [Source.Endpoints] answers with the list or with an error. After an error a resolver keeps the last good answer; until
// there is one, requests go where they would go without azaffinity. Only the zones and the subnets may be missing, with a
// note in the catalogue. Without the zones a process that knows no more than its zone's ID, as on Lambda, is not kept in its
// zone; without the subnets only addresses that endpoints' names lead to are known to be in it. Errors say what
// to do, and differ for a role without permission, an account that is throttled ([ThrottledError]) and a subnet without a
// way to EC2. An entry of another form than AWS's is left out with a note, and doesn't cost the others.
//
// Calls end with the context; instance metadata is given a second, the zones and the subnets five each. Nothing here is routed by what is
// found: with private DNS, EC2's own endpoint is used all the same. Answers are read up to 16 MiB and ten pages, and
// names in them are trusted no more than those of a file.
//
// # Permissions
//
//	{
//	  "Version": "2012-10-17",
//	  "Statement": [{
//	    "Effect": "Allow",
//	    "Action": ["ec2:DescribeVpcEndpoints", "ec2:DescribeAvailabilityZones", "ec2:DescribeSubnets"],
//	    "Resource": "*"
//	  }]
//	}
//
// No action can be limited to a resource, and the last is optional. In a VPC that another account shares, EC2 lists none of its owner's
// endpoints. There, and where a role can't have the permission, AZAFFINITY_ENDPOINTS_FILE does the same job without.
//
// # How many may ask
//
// EC2 has a token bucket for each action in each account and Region. That of DescribeVpcEndpoints holds 100 tokens and
// gets 20 more a second ("Request throttling for the Amazon EC2 API" in the EC2 Developer Guide, non-mutating actions);
// PrivateLink's actions are also throttled for an organization as a whole ("AWS PrivateLink quotas"). Everything in the
// account shares it: the console, Terraform, and whatever else lists endpoints.
//
// N processes that refresh every T seconds ask N/T times a second, and one that was just started asks at least once.
// To leave half of the bucket to others, let T be N/10 or more: the usual 10 minutes suit 6,000 processes, and 10,000
// want 17 minutes (resolver.WithRefresh). At 12,000 in 10 minutes nothing is left.
//
// A process asks for the first time at a random moment within 15 seconds of its start, or at once if something waits for
// the resolver's Ready. In 15 seconds EC2 answers 400 calls: 100 that the bucket holds, and 20 a second. So a fleet of
// some 300 processes that start together needs no setting. A larger one spreads its first calls over N/16 seconds, ten
// minutes for 10,000 ([WithSpread]), which leaves a fifth of the 20 a second to others.
//
// Without that nothing breaks: a process that is throttled leaves EC2 alone for half a minute to ten and a half, and
// meanwhile requests go where they would go without azaffinity. Of 10,000 processes that start within a minute, the last
// has its endpoints after 20 to 30 minutes then, instead of eleven. Even larger fleets are better off with one process
// that writes the file for all.
package discovery
