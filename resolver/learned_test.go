package resolver

import (
	"fmt"
	"testing"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// inZone is a resolver in us-east-1a.
func inZone(t *testing.T, opts ...Option) *Resolver {
	t.Helper()
	r, err := New(append([]Option{WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})), WithEndpoints(endpoint.Static())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// Given requests for more regional names than are remembered, then they are routed all the same, and what is known of names doesn't grow with them.
func TestUnlistedNames(t *testing.T) {
	r := inZone(t)
	for i := range 2 * maxLearned {
		host := fmt.Sprintf("vpce-%017x-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com", i)
		if got := r.Resolve(host); got.Target != Zonal {
			t.Fatalf("name %d: got %v", i, got)
		}
	}
	r.names.mu.Lock()
	defer r.names.mu.Unlock()
	if n := len(r.names.zonal); n > maxLearned {
		t.Errorf("%d names are known, want %d at most", n, maxLearned)
	}
}
