package resolver

import (
	"testing"
)

// Given reasons and causes of a version to come, when they are counted, then nothing is, and nothing breaks.
func TestCountsOfTheUnknown(t *testing.T) {
	var c counts
	c.count(Reason(len(reasonNames)), Cause(len(causeNames)))
	c.failed(Cause(len(causeNames)))
	c.count(InZone, NoCause)
	c.count(FailedOver, CauseConnect)
	c.failed(CauseConnect)
	if got := counted[Reason](c.attempts[:]); len(got) != 2 || got[InZone] != 1 || got[FailedOver] != 1 {
		t.Errorf("attempts: got %v", got)
	}
	if got := counted[Cause](c.failovers[:]); len(got) != 1 || got[CauseConnect] != 1 {
		t.Errorf("failovers: got %v", got)
	}
	if got := counted[Cause](c.failures[:]); len(got) != 1 || got[CauseConnect] != 1 {
		t.Errorf("failures: got %v", got)
	}
}
