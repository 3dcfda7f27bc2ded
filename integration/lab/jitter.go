package lab

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Jitter is how much later than their distance packets are. They are never early, and stay in order: what comes behind a late packet is late, too. The
// zero value is no jitter.
type Jitter struct {
	// Mean is how late packets are on average. Lateness is distributed exponentially, so this is its standard deviation, too.
	Mean time.Duration
	// Spike is how much later one packet in SpikeEvery is, at random. None is where either is 0.
	Spike      time.Duration
	SpikeEvery int
	// Seed makes another network of the same kind. Under the same seed, the Nth path's Mth packet is always as late.
	Seed uint64
}

// Path is how late the packets of one path are, one after the other. What it returns is not safe for concurrent use.
func (j Jitter) Path(number uint64) func() time.Duration {
	random := rand.New(rand.NewPCG(j.Seed, number))
	return func() time.Duration {
		late := time.Duration(random.ExpFloat64() * float64(j.Mean))
		if j.SpikeEvery > 0 && random.IntN(j.SpikeEvery) == 0 {
			late += j.Spike
		}
		return late
	}
}

// Check says what is wrong with j, if anything is.
func (j Jitter) Check() error {
	if j.Mean < 0 || j.Spike < 0 || j.SpikeEvery < 0 {
		return errors.New("no packet is early: Jitter has no negative values")
	}
	return nil
}
