package resolver

import (
	"net/netip"
	"slices"
	"testing"
)

// Given a list of at most two addresses, when some are added, then it says whether there was any that it hadn't, and the first make room.
func TestAddrList(t *testing.T) {
	addr := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
	var l addrList
	for i, tt := range []struct {
		add  []netip.Addr
		news bool
		want []netip.Addr
	}{
		{nil, false, nil},
		{[]netip.Addr{addr(1)}, true, []netip.Addr{addr(1)}},
		{[]netip.Addr{addr(1)}, false, []netip.Addr{addr(1)}},
		{[]netip.Addr{addr(1), addr(2)}, true, []netip.Addr{addr(1), addr(2)}},
		{[]netip.Addr{addr(3)}, true, []netip.Addr{addr(2), addr(3)}},
		{[]netip.Addr{addr(2), addr(3)}, false, []netip.Addr{addr(2), addr(3)}},
	} {
		before := l.list.Load()
		if news := l.add(tt.add, 2); news != tt.news || !slices.Equal(l.get(), tt.want) {
			t.Errorf("%d: got %v, %v; want %v, %v", i, news, l.get(), tt.news, tt.want)
		}
		if !tt.news && l.list.Load() != before {
			t.Errorf("%d: it was replaced by the same", i)
		}
	}
	if l.set([]netip.Addr{addr(2), addr(3)}) || !l.set([]netip.Addr{addr(3), addr(2)}) {
		t.Error("set takes old news for new, or new for old")
	}
}
