//lint:file-ignore SA1019 The SDK's version 1 is no longer supported, and has all services' data in one module.

package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go/aws/endpoints"
)

// partition is one of AWS's partitions as hosts depend on it.
type partition struct {
	id, suffix, dual string
	regions          []string
	model            endpoints.Partition
}

// partitions are those that the SDK knows Regions of, the commercial one first.
func partitions() []partition {
	var all []partition
	for _, model := range endpoints.DefaultPartitions() {
		p := partition{id: model.ID(), suffix: model.DNSSuffix(), model: model}
		p.regions = slices.Sorted(maps.Keys(model.Regions()))
		// The model has the suffix of dual-stack hosts in no field of its own.
		switch p.id {
		case "aws", "aws-us-gov":
			p.dual = "api.aws"
		case "aws-cn":
			p.dual = "api.amazonwebservices.com.cn"
		default:
			p.dual = p.suffix // they have none
		}
		if len(p.regions) > 0 {
			all = append(all, p)
		}
	}
	return all
}

// attributes are those of the rules' function aws.partition.
func (p partition) attributes() map[string]any {
	return map[string]any{
		"name": p.id, "dnsSuffix": p.suffix, "dualStackDnsSuffix": p.dual,
		"supportsFIPS": true, "supportsDualStack": p.dual != p.suffix,
	}
}

// pattern makes of a host in a Region the pattern that the table has.
func (p partition) pattern(host, region string) string {
	if front, ok := strings.CutSuffix(host, "."+region+"."+p.suffix); ok {
		return front + rulePattern
	}
	if front, ok := strings.CutSuffix(host, "."+region+"."+p.dual); ok {
		return front + ".{region}.{dual}"
	}
	return host
}
