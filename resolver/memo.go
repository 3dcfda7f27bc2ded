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

// maxMemo bounds how many values are in a memo.
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

// lately remembers the values that were asked for lately: all of the last maxMemo names,
// and at most twice as many. A program uses few buckets over and over, whatever else it
// asks for meanwhile. The zero value is ready.
type lately[T any] struct {
	now, before atomic.Pointer[memo[T]]
}

func (l *lately[T]) get(name string) (value T, ok bool) {
	if now := l.now.Load(); now != nil {
		if value, ok = now.get(name); ok {
			return value, true
		}
	}
	if before := l.before.Load(); before != nil {
		if value, ok = before.get(name); ok {
			return l.add(name, value), true
		}
	}
	return value, false
}

// add remembers a value, and returns it, or that of another request that was first.
func (l *lately[T]) add(name string, value T) T {
	for {
		now := l.now.Load()
		if now != nil {
			if !now.full() {
				now.add(name, value)
			}
			if had, ok := now.get(name); ok {
				return had
			}
		}
		if l.now.CompareAndSwap(now, new(memo[T])) {
			l.before.Store(now)
		}
	}
}
