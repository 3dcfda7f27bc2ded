package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// Given the SDK's data at the version that go.mod pins, when the table is made
// again, then it is the one that is checked in.
func TestTheTableIsWhatTheProgramMakes(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../resolver/internal/services/table.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the table is stale, or was edited: run go generate ./resolver/internal/services")
	}
}

// Given a rule that this program can't evaluate, when a service's rules are
// resolved, then that is an error and no host.
func TestRulesThatNeedMore(t *testing.T) {
	p := partitions()[0]
	for _, tt := range []struct{ name, rules, want, err string }{
		{"a host", `{"rules":[{"conditions":[{"fn":"aws.partition","argv":[{"ref":"Region"}],"assign":"P"}],"rules":[
			{"conditions":[{"fn":"booleanEquals","argv":[{"ref":"UseFIPS"},true]}],"endpoint":{"url":"https://x-fips.{Region}.{P#dnsSuffix}"}},
			{"conditions":[],"endpoint":{"url":"https://x.{Region}.{P#dualStackDnsSuffix}"}}]}],
			"parameters":{"UseFIPS":{"required":true,"default":false}}}`, "https://x.eu-west-1.api.aws", ""},
		{"a function that is not known", `{"rules":[{"conditions":[{"fn":"aws.parseArn","argv":[{"ref":"Arn"}]}],"endpoint":{"url":"https://x"}}]}`, "", "the rules need aws.parseArn"},
		{"a value that is not given", `{"rules":[{"conditions":[],"endpoint":{"url":"https://{Bucket}.x"}}]}`, "", "the rules need a value of Bucket"},
		{"an error", `{"rules":[{"conditions":[],"error":"no such thing in {Region}"}]}`, "", "the rules answer: no such thing in eu-west-1"},
		{"nothing that holds", `{"rules":[{"conditions":[{"fn":"isSet","argv":[{"ref":"Endpoint"}]}],"error":"custom"}]}`, "", "no rule holds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var rules ruleset
			if err := json.Unmarshal([]byte(tt.rules), &rules); err != nil {
				t.Fatal(err)
			}
			got, err := rules.resolve("eu-west-1", p)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("got %q, error %v; want %q, error %q", got, err, tt.want, tt.err)
			}
		})
	}
}
