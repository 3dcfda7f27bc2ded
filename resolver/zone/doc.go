// Package zone answers one question: which Availability Zone does this process run in?
//
// [Detect] asks whatever the environment says can know: the variable AZAFFINITY_ZONE, the ECS task metadata, the
// Lambda metadata endpoint, the EC2 instance metadata service (IMDS). Every [Source] can also be used alone, and
// [First] chains them in an order of your own. [Ask] also says who answered and how long the answer holds.
//
//	where, err := zone.Detect().Zone(ctx)
//	if err != nil {
//		return err // says what each source answered, and what to do about it
//	}
//	fmt.Println(where) // us-east-1a (use1-az6)
//
// # Name and ID
//
// AWS calls a zone by a name (us-east-1a, a letter that an account may have to itself) and by an ID (use1-az6, the
// same place in every account). EC2 knows both, ECS always knows the name, Lambda knows the ID only. This package
// reports what it was told and never derives one from the other.
//
// # Subnets
//
// IMDS and ECS also tell the subnet that this process is in, and with it which addresses are in the zone: see [Answer].
//
// # When it fails
//
// A source that can't answer returns an error that an operator can act on; it never guesses. A metadata service that
// doesn't answer costs one second, and Detect asks at most three, one after the other ([WithTimeout]). Metadata is not
// trusted: 64 KiB of an answer are kept at most, redirects are not followed, environment proxies are not used, and text
// that isn't shaped like a zone is an error. Nothing here retries, caches, logs or leaves a goroutine behind: the caller
// decides whether and when to ask again.
//
// # Kubernetes
//
// A Pod carries its node's topology.kubernetes.io/zone label by default since Kubernetes 1.35. Hand it to [Env] by
// the downward API, or mount the Pod's labels as a volume and name the file to [Kubernetes]:
//
//	env:
//	- name: AZAFFINITY_ZONE
//	  valueFrom:
//	    fieldRef:
//	      fieldPath: metadata.labels['topology.kubernetes.io/zone']
package zone
