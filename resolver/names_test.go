package resolver

import (
	"testing"
)

// Given a host under a zonal name that was ejected for itself, when it is healthy again, then it is forgotten.
func TestHostsThatAreHealthyAreForgotten(t *testing.T) {
	n := newNames(&logs{}, nil)
	zonal := newHealth("*.zonal", nil, n)
	host := n.addHost(zonal, "photos.zonal")
	if host == nil || n.hosts.Load() == nil {
		t.Fatal("no host")
	}
	host.take(failure{cause: CauseAbsent}, false)
	if !host.ejected() || zonal.host("photos.zonal") != host {
		t.Error("it is not ejected")
	}
	host.answered(true)
	if host.ejected() || n.hosts.Load() != nil {
		t.Errorf("ejected: %v, remembered: %v", host.ejected(), n.hosts.Load())
	}
}
