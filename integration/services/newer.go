package main

import "strings"

// newer is what clients of the SDK's version 2 resolve and the data of version 1
// does not have or has otherwise: labels with the patterns of their hosts, in one
// partition ("aws:…") or in all. Version 1 got no new services from August 2024
// on. integration/routing checks each of these with the client itself.
var newer = map[string][]string{
	"bedrock-agentcore": {"bedrock-agentcore.{region}.{suffix}"},
	"billing":           {"aws:billing.us-east-1.api.aws", "aws-cn:billing.cn-northwest-1.amazonaws.com.cn"},
	"budgets":           {"aws-us-gov:budgets.amazonaws.com"},
	"dsql":              {"dsql.{region}.{dual}"},
	"s3vectors":         {"s3vectors.{region}.{dual}"},

	// PrivateLink spells these differently from the SDK: iot.data, whose host
	// China spells with a dot (it is listed everywhere, as it does no harm), and
	// codeartifact.api.
	"data.iot":         {"data-ats.iot.{region}.{suffix}", "data.ats.iot.{region}.{suffix}"},
	"api.codeartifact": {"codeartifact.{region}.{suffix}"},
}

// addNewer puts newer in place of what is there for the partition.
func (t *table) addNewer() {
	for label, hosts := range newer {
		t.know(label)
		replaced := map[string]patterns{}
		for _, host := range hosts {
			in := everywhere
			if id, pattern, isOfOne := strings.Cut(host, ":"); isOfOne {
				in, host = []string{id}, pattern
			}
			for _, id := range in {
				if replaced[id] == nil {
					replaced[id] = patterns{}
					t.labels[label][id] = replaced[id]
				}
				replaced[id][host] = true
			}
		}
	}
}
