// Package services answers one question: which hosts do SDK clients resolve for the service whose interface endpoints
// have a given label in their names?
//
// The label is "sqs" in vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com. By the rule that most services
// follow, the host is the label, the Region and the DNS suffix: sqs.us-east-1.amazonaws.com. Others have one host for
// all Regions (iam.amazonaws.com), hosts under another suffix alone (qbusiness.us-east-1.api.aws) or a host of another
// spelling (data-ats.iot for the label data.iot).
//
// # What is data and what is rule
//
// table.txt has a line for each label that is known. A line with nothing but the label stands for the rule. Whatever
// else a line has are the hosts that differ from it, in one partition ("aws-cn:…") or in all. It is generated from what
// AWS publishes with its SDKs; go generate makes it anew, and a test there tells if it is stale. Whether a service
// exists in a Region is not recorded: an endpoint in that Region says so. FIPS endpoints follow the rule with
// "<label>-fips" and have no lines.
//
// An unknown label is not an error. Services appear faster than this table, and there is software that calls hosts of
// AWS without an SDK: agents, package managers.
package services

import (
	_ "embed" // table.txt
	"strings"
)

//go:generate sh -c "cd ../../../integration && go run ./services -o ../resolver/internal/services/table.txt"

// table stays the text that it is, so a process that looks nothing up pays
// nothing when it starts.
//
//go:embed table.txt
var table string

// Hosts returns the hosts that SDK clients resolve in the Region for the
// service whose vpce label is given, under the partition's DNS suffix
// ("amazonaws.com"). A host need not lie under the Region or the suffix. known
// is false if the table has no such label; the one host returned then is the
// rule's guess. Under a suffix that is none of a partition's, such as
// sagemaker.aws, there is nothing but the rule, and known is true.
func Hosts(label, region, suffix string) (hosts []string, known bool) {
	rule := label + "." + region + "." + suffix
	p, ok := partitionOf(region, suffix)
	if !ok {
		return []string{rule}, true
	}
	patterns, known := lookUp(label, p.id)
	if plain, isFIPS := strings.CutSuffix(label, "-fips"); isFIPS && !known {
		patterns, known = lookUp(plain, p.id)
		patterns = fips(patterns, plain)
	}
	for _, pattern := range patterns {
		name := strings.ReplaceAll(pattern, "{region}", region)
		name = strings.ReplaceAll(name, "{suffix}", suffix)
		hosts = append(hosts, strings.ReplaceAll(name, "{dual}", p.dual))
	}
	if hosts == nil {
		hosts = []string{rule}
	}
	return hosts, known
}

// fips turns the patterns that begin with the label into those of FIPS hosts.
func fips(patterns []string, label string) (those []string) {
	for _, pattern := range patterns {
		if behind, ok := strings.CutPrefix(pattern, label+"."); ok {
			those = append(those, label+"-fips."+behind)
		}
	}
	return those
}

// lookUp returns the patterns of the label's hosts in a partition, none for the rule.
func lookUp(label, partition string) (patterns []string, known bool) {
	line, ok := lineOf(label)
	if !ok {
		return nil, false
	}
	var everywhere []string
	for _, field := range strings.Fields(line) {
		where, pattern, isOfOne := strings.Cut(field, ":")
		switch {
		case !isOfOne:
			everywhere = append(everywhere, field)
		case where == partition:
			patterns = append(patterns, pattern)
		}
	}
	if patterns == nil {
		patterns = everywhere
	}
	return patterns, true
}

// lineOf returns what follows the label in its line. The lines are sorted, so
// halving the text finds it.
func lineOf(label string) (line string, ok bool) {
	_, rest, _ := strings.Cut(table, "\n") // without the header
	for rest != "" {
		middle := len(rest) / 2
		start := strings.LastIndexByte(rest[:middle], '\n') + 1
		end := start + strings.IndexByte(rest[start:], '\n') // every line ends in one
		found, fields, _ := strings.Cut(rest[start:end], " ")
		switch c := strings.Compare(label, found); {
		case c < 0:
			rest = rest[:start]
		case c > 0:
			rest = rest[end+1:]
		default:
			return fields, true
		}
	}
	return "", false
}

// partition is one of AWS's partitions. dual is the suffix of its dual-stack hosts.
type partition struct{ id, dual string }

// partitionOf knows a partition by the DNS suffix, and by the Region if two share one.
func partitionOf(region, suffix string) (p partition, ok bool) {
	switch suffix {
	case "amazonaws.com":
		if strings.HasPrefix(region, "us-gov-") {
			return partition{"aws-us-gov", "api.aws"}, true
		}
		return partition{"aws", "api.aws"}, true
	case "amazonaws.com.cn":
		return partition{"aws-cn", "api.amazonwebservices.com.cn"}, true
	case "c2s.ic.gov":
		return partition{"aws-iso", suffix}, true
	case "sc2s.sgov.gov":
		return partition{"aws-iso-b", suffix}, true
	case "cloud.adc-e.uk":
		return partition{"aws-iso-e", suffix}, true
	}
	return partition{}, false
}
