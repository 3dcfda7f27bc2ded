package paths

import "time"

// kind is whose calls a caller makes.
type kind string

const (
	bare       kind = "bare"       // the SDK with the endpoint's regional name
	pinned     kind = "pinned"     // the SDK with the zonal name of the caller's zone
	azaffinity kind = "azaffinity" // the SDK with a wrapped config
)

// spec is what a caller is made of. The zero values are the SDK's own defaults.
type spec struct {
	Kind    kind
	Service string // "sqs" or "s3"
	Clear   bool   // HTTP/2 without TLS
	DNS     string // where the nameserver is
	Roots   string // who vouches for the servers, in PEM

	Conns     int           // connections kept per host
	NoLimit   bool          // as many connections as asked for
	Procs     int           // GOMAXPROCS
	Handshake time.Duration // CPU time that the program's own VerifyConnection takes
	Embedded  bool          // the program's DialContext returns struct{ net.Conn }
	Control   bool          // the program's net.Dialer has a Control and keep-alives of its own
}

// order is what a caller is told to do. It does several at a time.
type order struct {
	ID int
	Do string // what: see [client.obey]

	Label    string        // the calls are Label.0, Label.1 and so on
	Calls    int           // how many
	Workers  int           // at most so many at a time; 0: all
	Every    time.Duration // between the beginnings of two
	Deadline time.Duration // each call's; 0: none
	Attempts int           // of the SDK for a call; 0: the default, 3
	Size     int           // bytes of an upload
	Pause    time.Duration // the reader's of a download, after its first bytes
}

// report is what came of an order.
type report struct {
	ID    int
	Calls []outcome
	CPU   time.Duration // of the process since its start
	Err   string
}

// outcome is what came of a call.
type outcome struct {
	Name       string
	Start, End time.Time
	Err        string
	Late       bool // the error is the caller's deadline
	Attempts   []attempt
	Target     string // of the last attempt's route; azaffinity only
	Reason     string
	Bytes      int // read of a download
}

func (o outcome) took() time.Duration { return o.End.Sub(o.Start) }

// attempt is one of the SDK's for a call.
type attempt struct {
	Start, End time.Time
	Err        string
}
