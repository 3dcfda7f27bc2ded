package main

import (
	"context"
	"slices"
	"time"
)

// watchLateness finds out how much later than it asked to a goroutine of this process runs. On a machine that has other things to do
// that is long, and then all that is measured is, too. stop says how late it was, at p99, in milliseconds.
func watchLateness(ctx context.Context) (stop func() float64) {
	const every = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(ctx)
	var late []float64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			asked := time.Now()
			if sleep(ctx, every); ctx.Err() != nil {
				return
			}
			late = append(late, ms(time.Since(asked)-every))
		}
	}()
	return func() float64 {
		cancel()
		<-done
		slices.Sort(late)
		return quantile(late, 0.99)
	}
}
