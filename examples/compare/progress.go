package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows how far the plan is, and the time left. It counts the plan's own time, so that what is left is known from the start. It
// is shown on a terminal only; the zero value shows nothing.
type bar struct{ shown *progressbar.ProgressBar }

func newBar(w io.Writer, length time.Duration) bar {
	if !isTerminal(w) {
		return bar{}
	}
	return bar{progressbar.NewOptions64(length.Milliseconds(),
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(24),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())}
}

func (b bar) next(what string) {
	if b.shown != nil {
		b.shown.Describe(what)
	}
}

// add never ends the bar: the plan's time is an estimate.
func (b bar) add(d time.Duration) {
	if b.shown != nil && b.shown.State().CurrentNum+d.Milliseconds() < b.shown.GetMax64() {
		_ = b.shown.Add64(d.Milliseconds())
	}
}

func (b bar) done() {
	if b.shown != nil {
		_ = b.shown.Finish()
	}
}
