package zonenet

import (
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// SwitchName is what the switch's process is called. A program that is started under this name, and imports this package, is a switch.
const SwitchName = "azaffinity-lab-switch"

// MaxEndpoints is how many endpoints can have an address of their own in each zone.
const MaxEndpoints = 16

// Options says what network to start. All of them but Jitter are needed.
type Options struct {
	// Home is the name of the zone that this process is in.
	Home string
	// Zones are the names of all zones. The Nth is at 10.77.N.10, its endpoints at the addresses that follow, and this process at 10.77.0.10.
	Zones []string
	// Distance is the one-way delay between two zones, by name. Between this process and its zone it is that inside a zone.
	Distance func(from, to string) time.Duration
	// Jitter is how much later than that packets are, those of handshakes included. The zero value is not at all.
	Jitter lab.Jitter
}
