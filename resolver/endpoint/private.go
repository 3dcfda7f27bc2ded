package endpoint

import (
	"slices"
	"strings"
)

// domains are the domains that each of AWS's partitions keeps its names under:
// the DNS suffix of vpce names, that of dual-stack hosts (what the SDK's endpoint
// rules call dualStackDnsSuffix, without its first label), and those of services
// with a site of their own that is seen as a private DNS name. SageMaker's
// endpoints have vpce names under sagemaker.aws and hosts under app.aws.
var domains = [][]string{
	{"amazonaws.com", "aws", "amazon.com", "awsapps.com", "aws.a2z.com"},
	{"amazonaws.com.cn", "amazonwebservices.com.cn", "amazonaws.cn"},
	{"amazonaws.eu", "amazonwebservices.eu"},
	{"c2s.ic.gov", "aws.ic.gov"},
	{"sc2s.sgov.gov", "aws.scloud"},
	{"cloud.adc-e.uk", "cloud-aws.adc-e.uk"},
	{"csp.hci.ic.gov", "aws.hci.ic.gov"},
}

// partitionOf returns AWS's domains if a name lies under one of them, and nil if
// it is somebody else's.
func partitionOf(name string) []string {
	i := slices.IndexFunc(domains, func(d []string) bool { return underAny(name, d...) })
	if i < 0 {
		return nil
	}
	return domains[i]
}

func underAny(name string, domains ...string) bool {
	return slices.ContainsFunc(domains, func(d string) bool {
		above, ok := strings.CutSuffix(name, d)
		return ok && strings.HasSuffix(above, ".")
	})
}

// privateFault says why AWS would not list a private DNS name for the endpoint; ""
// if it may. Requests to such a host, signed with the caller's credentials, are
// sent to the endpoint: the owner of the endpoint's domain has to own the host's.
// The services of AWS's partners, and one's own, may have any
// name but one of AWS's; no SDK client resolves those, so routing ignores them.
func (n name) privateFault(host string) string {
	host = bare(host)
	owner := partitionOf("." + n.suffix)
	if owner == nil {
		owner = []string{n.suffix}
	}
	switch {
	case !isHost(host):
		return "it is not a host name in lower case"
	case n.partner() && partitionOf(host) != nil:
		return "it is AWS's, and the endpoint's service isn't"
	case n.partner() || underAny(host, owner...):
		return ""
	}
	return "it does not lie under " + n.suffix
}

// partner reports whether the endpoint's service is somebody else's than AWS's.
func (n name) partner() bool { return strings.HasPrefix(n.service, "vpce-svc-") }

// isAWSName reports whether the name is one of an endpoint under AWS's own domains,
// of whatever form.
func isAWSName(dnsName string) bool {
	return isHost(bare(dnsName)) && strings.Contains(dnsName, ".vpce.") && partitionOf(dnsName) != nil
}
