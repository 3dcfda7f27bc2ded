package health

import (
	"testing"
	"testing/synctest"
)

// What the bytes mean, for the scripts to begin with: see step.
const (
	send, crowd, wait, ok, bad, again, tried, failed = 0, 4, 6, 8, 10, 13, 14, 15

	connect     = 3 * 16 // causes
	certificate = 4 * 16
	unanswered  = 9 * 16

	untilGate     = 10 // durations
	timeoutPasses = 5
)

// FuzzHealth has any sequence of requests, reports and pauses agree with gobreaker, and therefore:
//   - of the requests that may be the probe, one is, and until its timeout no other;
//   - an ejected name is to be probed within the bounds of the pause it is in;
//   - it is healthy after the success of the probe;
//   - it was ejected as often as it says.
func FuzzHealth(f *testing.F) {
	for _, script := range [][]byte{
		{send, 0, bad, connect, send, 0, bad, connect, send, 0, bad, connect, crowd, 0, wait, untilGate, crowd, 6, tried, 0, send, 0},
		{crowd, 5, bad, unanswered, bad, unanswered, bad, unanswered, ok, 0, bad, unanswered, bad, unanswered, bad, unanswered},
		{send, 0, again, certificate, wait, untilGate, send, 0, failed, connect, wait, untilGate, send, 0, failed, connect, wait, untilGate},
		{send, 0, bad, certificate, wait, untilGate, send, 0, wait, timeoutPasses, send, 0, failed, connect, ok, 0, crowd, 1},
		{send, 0, bad, certificate, wait, untilGate, send, 0, wait, timeoutPasses, send, 0, bad, connect, bad, connect, send, 0},
	} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 4000 {
			t.Skip("longer than it needs to be")
		}
		synctest.Test(t, func(t *testing.T) { newPair(t).steps(script) })
	})
}
