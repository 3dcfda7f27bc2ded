package main

// newer are labels that the SDK's data does not have, with the patterns of
// their hosts; none stands for the rule. The SDK for Go's version 1 got no new
// services from August 2024 on. The hosts are those that clients of version 2
// resolve, which integration/routing checks with the clients themselves.
var newer = map[string][]string{
	"s3vectors": {"s3vectors.{region}.{dual}"},

	// PrivateLink spells these differently from the SDK.
	//
	// com.amazonaws.<region>.iot.data. China's spelling of the host is listed
	// everywhere, since the label is no reason to tell partitions apart.
	"data.iot": {"data-ats.iot.{region}.{suffix}", "data.ats.iot.{region}.{suffix}"},
	// com.amazonaws.<region>.codeartifact.api.
	"api.codeartifact": {"codeartifact.{region}.{suffix}"},
}

func (t *table) addNewer() {
	for label, hosts := range newer {
		t.know(label)
		for _, id := range everywhere {
			if t.labels[label][id] == nil {
				t.labels[label][id] = patterns{}
			}
			for _, pattern := range hosts {
				t.labels[label][id][pattern] = true
			}
		}
	}
}
