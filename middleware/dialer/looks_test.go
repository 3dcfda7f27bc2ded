//go:build linux && !386 && !s390x

package dialer

import (
	"net"
	"testing"
)

// Given what the kernel says of data that it has sent again and again, or of windows that it has probed, when that is looked at, then a path is dead in the third
// look in a row that found three such, once nothing has moved for 1.4 s, and a single look that found fewer begins the count anew.
func TestUnheard(t *testing.T) {
	again := func(n uint8) tcpInfo { return tcpInfo{unacked: 1, retransmits: n} }
	probed := func(n uint8) tcpInfo { return tcpInfo{unsent: 1, probes: n} }
	for name, tt := range map[string]struct {
		quiet int
		looks []tcpInfo
		want  bool // in the last look; in none before
	}{
		"sent again three times":           {14, []tcpInfo{again(3), again(3), again(3)}, true},
		"and more":                         {50, []tcpInfo{again(4), again(5), again(6)}, true},
		"two looks":                        {14, []tcpInfo{again(3), again(3)}, false},
		"once fewer":                       {14, []tcpInfo{again(2), again(2), again(2), again(2)}, false},
		"too early":                        {13, []tcpInfo{again(3), again(3), again(3), again(3)}, false},
		"acknowledged between":             {14, []tcpInfo{again(3), again(3), again(0), again(3), again(3)}, false},
		"and then lost":                    {14, []tcpInfo{again(3), again(3), again(0), again(3), again(3), again(3)}, true},
		"probed three times":               {14, []tcpInfo{probed(3), probed(3), probed(3)}, true},
		"probed once fewer":                {14, []tcpInfo{probed(2), probed(2), probed(2), probed(2)}, false},
		"keep-alives, and data on its way": {14, []tcpInfo{{unacked: 1, probes: 9}, {unacked: 1, probes: 9}, {unacked: 1, probes: 9}}, false},
		"data that was sent again before":  {14, []tcpInfo{{unsent: 1, retransmits: 9}, {unsent: 1, retransmits: 9}, {unsent: 1, retransmits: 9}}, false},
	} {
		s := sight{quiet: tt.quiet}
		for i, info := range tt.looks {
			last := i == len(tt.looks)-1
			if got := s.unheard(info); got != (last && tt.want) {
				t.Errorf("%s: %v in look %d of %d", name, got, i+1, len(tt.looks))
			}
		}
	}
}

// Given a connection on which nothing is on its way, when it is looked at, then it is left alone until nothing has moved on it in four looks.
func TestQuietTicks(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	inner, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	c := &conn{Conn: inner}
	w := &path{raw: rawOf(inner)}
	look := func() bool {
		var found verdicts
		w.lookAt(c, &found)
		if found.dead != nil || found.lost != nil || found.doubt {
			t.Errorf("found %+v", found)
		}
		return len(found.quiet) == 1
	}
	for range 2 {
		c.moves.Add(1)
		for i, want := range []bool{false, false, false, false, true} {
			if got := look(); got != want {
				t.Errorf("look %d after something moved: quiet is %v, want %v", i, got, want)
			}
		}
	}
}
