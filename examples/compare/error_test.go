package main

import (
	"errors"
	"testing"
)

func TestErrorHasNoServer(t *testing.T) {
	for _, test := range []struct{ name, err, want string }{
		{"a lookup", "dial tcp: lookup a-b.sqs.us-east-1.vpce.amazonaws.com on 127.0.0.1:53: no such host", "dial tcp: lookup a-b.sqs.us-east-1.vpce.amazonaws.com: no such host"},
		{"IPv6", "dial tcp: lookup a.b on [::1]:5353: server misbehaving", "dial tcp: lookup a.b: server misbehaving"},
		{"no lookup", "dial tcp 127.0.1.1:443: connect: connection refused", "dial tcp 127.0.1.1:443: connect: connection refused"},
	} {
		if got := firstError([]sample{{}, {Err: errors.New(test.err)}}); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
