package resolver

import (
	"hash/maphash"
	"sync/atomic"
)

// memo remembers values by name, up to half of its slots, for as long as a table is in
// use. Lookups and inserts take no lock, and neither depends on how much there is: a copied
// map would make the first requests of many buckets pay for each other. Nothing is ever
// removed or replaced. The zero value is ready, and takes memory with the first insert.
type memo[T any] struct {
	size  atomic.Int32
	slots atomic.Pointer[[memoSlots]atomic.Pointer[memoItem[T]]]
}

type memoItem[T any] struct {
	name  string
	value T
}

// maxMemo bounds how many hosts have their routes kept in a memo. A program uses few
// buckets over and over; one that uses many makes their names each time.
const maxMemo, memoSlots = 512, 1024

var memoSeed = maphash.MakeSeed()

func (m *memo[T]) get(name string) (value T, ok bool) {
	slots := m.slots.Load()
	if slots == nil {
		return value, false
	}
	for i := maphash.String(memoSeed, name); ; i++ {
		switch item := slots[i%memoSlots].Load(); {
		case item == nil: // half of the slots are empty
			return value, false
		case item.name == name:
			return item.value, true
		}
	}
}

func (m *memo[T]) full() bool { return m.size.Load() >= maxMemo }

// add remembers a value, unless there are too many, or another request was first.
func (m *memo[T]) add(name string, value T) {
	if m.size.Add(1) > maxMemo {
		m.size.Add(-1)
		return
	}
	slots := m.slots.Load()
	if slots == nil {
		m.slots.CompareAndSwap(nil, new([memoSlots]atomic.Pointer[memoItem[T]]))
		slots = m.slots.Load()
	}
	item := &memoItem[T]{name, value}
	for i := maphash.String(memoSeed, name); ; i++ {
		slot := &slots[i%memoSlots]
		if slot.CompareAndSwap(nil, item) {
			return
		}
		if slot.Load().name == name {
			m.size.Add(-1)
			return
		}
	}
}
