package zonenet

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
	"golang.org/x/sys/unix"
)

func init() {
	if os.Args[0] == SwitchName {
		if err := runSwitch(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", SwitchName, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// The switch's files: orders come from its standard input, and devices from firstDevice on, by number.
const (
	orders      = 0
	firstDevice = 3
)

// An order is a device's number and what becomes of its packets from now on. The end of orders is the switch's end.
const (
	pass byte = iota
	drop
)

// wakeup is how long before a packet is due the switch begins to watch the clock: about the time an idle processor needs to wake up.
const wakeup = 60 * time.Microsecond

// held is a packet on its way.
type held struct {
	due  time.Time
	size int
	data [mtu]byte
}

// path leads from one device to another. Its packets leave in order, so what is behind a late one is late, too.
type path struct {
	delay time.Duration
	late  func() time.Duration
	held  []*held
}

// longest is how many packets there may be on a path. More are dropped, as by any router.
const longest = 4096

type packetSwitch struct {
	paths [][]path // from, to
	deaf  []bool   // by device: its packets are dropped
	free  []*held
	spare *held
}

// distances are the switch's only argument, as JSON.
type distances struct {
	Delays [][]time.Duration // from device, to device
	Jitter lab.Jitter
}

// runSwitch is the whole process.
func runSwitch() error {
	var d distances
	if len(os.Args) != 2 {
		return fmt.Errorf("%s is started by package zonenet", SwitchName)
	}
	if err := json.Unmarshal([]byte(os.Args[1]), &d); err != nil {
		return err
	}
	debug.SetGCPercent(-1) // packets are used again, and there is nothing else
	runtime.LockOSThread()
	punctual()

	s := &packetSwitch{deaf: make([]bool, len(d.Delays)), spare: new(held)}
	polled := []unix.PollFd{{Fd: orders, Events: unix.POLLIN}}
	for from, row := range d.Delays {
		s.paths = append(s.paths, make([]path, len(row)))
		for to, delay := range row {
			s.paths[from][to] = path{delay: delay, late: d.Jitter.Path(uint64(from*len(row) + to))}
		}
		if err := unix.SetNonblock(firstDevice+from, true); err != nil {
			return err
		}
		polled = append(polled, unix.PollFd{Fd: int32(firstDevice + from), Events: unix.POLLIN})
	}
	for {
		if _, err := unix.Ppoll(polled, s.forward(), nil); err != nil && err != unix.EINTR {
			return fmt.Errorf("poll: %w", err)
		}
		if polled[0].Revents != 0 {
			if more, err := s.obey(); !more {
				return err
			}
		}
		for i, p := range polled[1:] {
			if p.Revents&unix.POLLIN != 0 {
				s.take(i)
			}
		}
	}
}

// punctual has the kernel run this thread before others, and wake it up in time: as a rule it may do so 50 µs late. Where that isn't allowed,
// distances are less exact, which their measurement shows.
func punctual() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
	}, 0)
}

// forward sends what is due on its way, and says for how long there is nothing to do. Nil: until something comes.
func (s *packetSwitch) forward() *unix.Timespec {
	var next time.Time
	for from := range s.paths {
		for to := range s.paths[from] {
			p := &s.paths[from][to]
			for len(p.held) > 0 && !p.held[0].due.After(time.Now()) {
				first := p.held[0]
				if !s.deaf[from] && !s.deaf[to] {
					_, _ = unix.Write(firstDevice+to, first.data[:first.size]) // what it doesn't take is lost, as anywhere
				}
				s.free = append(s.free, first)
				p.held = append(p.held[:0], p.held[1:]...)
			}
			if len(p.held) > 0 && (next.IsZero() || p.held[0].due.Before(next)) {
				next = p.held[0].due
			}
		}
	}
	if next.IsZero() {
		return nil
	}
	rest := unix.NsecToTimespec(int64(max(0, time.Until(next)-wakeup))) // 0: look who has come meanwhile, and at the clock again
	return &rest
}

// obey carries out orders. No more come when the parent is gone.
func (s *packetSwitch) obey() (more bool, err error) {
	var buf [64]byte
	n, err := unix.Read(orders, buf[:])
	if err == unix.EINTR || err == unix.EAGAIN {
		return true, nil
	}
	if n <= 0 {
		return false, err
	}
	for i := 0; i+1 < n; i += 2 {
		s.deaf[buf[i]] = buf[i+1] == drop
	}
	return true, nil
}

// batch is how many packets of one device are taken before others have their turn.
const batch = 64

// take reads packets from a device. It knows where they go by the third byte of their IPv4 address.
func (s *packetSwitch) take(from int) {
	for range batch {
		h := s.spare
		n, err := unix.Read(firstDevice+from, h.data[:])
		if err != nil {
			return
		}
		if n < 20 || h.data[0]>>4 != 4 || h.data[16] != prefix[0] || h.data[17] != prefix[1] || int(h.data[18]) >= len(s.paths) {
			continue // IPv6 looks for routers
		}
		p := &s.paths[from][h.data[18]]
		if len(p.held) == longest {
			continue
		}
		h.due, h.size = time.Now().Add(p.delay+p.late()), n
		p.held = append(p.held, h)
		if last := len(s.free) - 1; last >= 0 {
			s.spare, s.free = s.free[last], s.free[:last]
		} else {
			s.spare = new(held)
		}
	}
}
