package resolver

import (
	"strconv"
	"testing"
)

// Given more values than are remembered, and some twice, then the first 512 are remembered, each once.
func TestMemo(t *testing.T) {
	var m memo[int]
	for i := range 2 * memoSlots {
		m.add(strconv.Itoa(i/2), i)
	}
	if got := m.size.Load(); got != maxMemo || !m.full() {
		t.Errorf("%d are remembered, want %d", got, maxMemo)
	}
	taken := 0
	for i := range m.slots.Load() {
		if m.slots.Load()[i].Load() != nil {
			taken++
		}
	}
	if taken != maxMemo {
		t.Errorf("%d slots are taken, want %d", taken, maxMemo)
	}
	for i := range memoSlots {
		if got, ok := m.get(strconv.Itoa(i)); ok != (i < maxMemo) || ok && got != 2*i {
			t.Errorf("%d: got %d, %v", i, got, ok)
		}
	}
}
