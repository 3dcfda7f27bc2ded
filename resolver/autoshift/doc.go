// Package autoshift asks ARC, AWS's Application Recovery Controller, which zones AWS itself is shifting traffic away from, so
// that programs in such a zone leave it as AWS's own load balancers do.
//
//	src, err := autoshift.New(cfg)
//	if err != nil {
//		return err
//	}
//	r, err := middleware.Wrap(&cfg, middleware.WithResolver(resolver.WithShift(src)))
//
// AWS starts an autoshift when its telemetry shows that a zone is impaired in a way that could affect customers, and ends it
// when the zone has recovered ("When AWS starts and stops autoshifts" in the ARC Developer Guide). One call of ListAutoshifts
// lists those that are active in the Region, by zone ID. It needs no resource that ARC manages and no practice runs, and
// weekly practice runs of somebody's load balancers are not in the list.
//
// It is a module of its own, since few programs need service/arczonalshift.
//
// # The zone's ID
//
// ARC knows zones by their IDs. EC2 and Lambda say theirs; ECS tasks and Kubernetes nodes only know their zone's name. For
// those the endpoints' source says which ID that is: resolver/discovery does, a file does if it has the output of aws ec2
// describe-availability-zones, and AZAFFINITY_ZONE_NAMES does. A resolver that lacks it warns at its start.
//
// # When it fails
//
// An answer that can't be had changes nothing: a program that has left its zone stays away until ARC says that the shift is
// over, and one that hasn't stays there, where its own view of each name still ejects those that fail. Errors say what to do, and differ
// for a role without the permission and a subnet without a way to ARC. No request ever waits for any of this. The calls end
// with the context, are tried twice at most, and are never routed by the resolver that asks.
//
// # Permissions
//
//	{
//	  "Version": "2012-10-17",
//	  "Statement": [{
//	    "Effect": "Allow",
//	    "Action": "arc-zonal-shift:ListAutoshifts",
//	    "Resource": "*"
//	  }]
//	}
//
// # How many may ask
//
// A process asks for the first time at a random moment within 15 seconds, and then about every minute ([WithInterval]): 1,000
// processes are 17 calls a second, for an account and Region as a whole. One that is throttled leaves ARC alone for one to five
// minutes. A fleet of thousands is better off with one process that asks for all, and writes the file that AZAFFINITY_SHIFT_FILE
// names (package shift), on each host or in a Kubernetes ConfigMap:
//
//	aws arc-zonal-shift list-autoshifts --status ACTIVE --query 'items[].[awayFrom]' --output text > shift.new &&
//		if [ -s shift.new ]; then mv shift.new shift; else rm -f shift shift.new; fi
//
// The file must go when there is no zone to leave: an empty one sends everybody away.
package autoshift
