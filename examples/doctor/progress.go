package main

import (
	"sync"

	"github.com/schollz/progressbar/v3"
)

// progress is shown on a terminal only. It may be used by several goroutines.
type progress struct {
	out  output
	once sync.Once
	bar  *progressbar.ProgressBar
}

func (o output) progress(what string) *progress {
	p := &progress{out: o}
	if o.watched {
		p.bar = progressbar.NewOptions(-1,
			progressbar.OptionSetWriter(o.stderr), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(20),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish())
		_ = p.bar.RenderBlank()
	}
	return p
}

// expect says what comes, in how many steps.
func (p *progress) expect(what string, steps int) {
	if p.bar != nil && steps > 0 {
		p.bar.ChangeMax(steps + 1) // it never ends by counting
		p.bar.Describe(what)
	}
}

func (p *progress) add() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

func (p *progress) done() {
	p.once.Do(func() {
		if p.bar != nil {
			_ = p.bar.Finish()
		}
	})
}
