package feasibility

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// set is a set of small numbers: Pods, nodes or domains by their index.
type set []uint64

func newSet(size int) set { return make(set, (size+63)/64) }

// fullSet holds all numbers below size.
func fullSet(size int) set {
	s := newSet(size)
	for i := range size {
		s.add(i)
	}
	return s
}

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) clone() set { return append(set(nil), s...) }

// and returns the intersection.
func (s set) and(other set) set {
	both := make(set, len(s))
	for i := range s {
		both[i] = s[i] & other[i]
	}
	return both
}

// or returns the union.
func (s set) or(other set) set {
	either := make(set, len(s))
	for i := range s {
		either[i] = s[i] | other[i]
	}
	return either
}

// addAll adds what the other has.
func (s set) addAll(other set) {
	for i := range s {
		s[i] |= other[i]
	}
}

// less returns what is not in the other.
func (s set) less(other set) set {
	rest := make(set, len(s))
	for i := range s {
		rest[i] = s[i] &^ other[i]
	}
	return rest
}

// without returns the set less one number.
func (s set) without(i int) set {
	rest := s.clone()
	rest[i/64] &^= 1 << (i % 64)
	return rest
}

func (s set) meets(other set) bool {
	for i := range s {
		if s[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// within reports whether other holds all of s.
func (s set) within(other set) bool {
	for i := range s {
		if s[i]&^other[i] != 0 {
			return false
		}
	}
	return true
}

func (s set) equal(other set) bool { return s.within(other) && other.within(s) }

func (s set) empty() bool {
	for _, word := range s {
		if word != 0 {
			return false
		}
	}
	return true
}

func (s set) count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// only returns the one number of a set that holds no other.
func (s set) only() (int, bool) {
	if s.count() != 1 {
		return 0, false
	}
	return s.first(), true
}

// first returns the least number of a set that is not empty.
func (s set) first() int {
	for i := range s.all() {
		return i
	}
	return -1
}

// key returns the set as a map key.
func (s set) key() string {
	b := make([]byte, 0, 8*len(s))
	for _, word := range s {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return string(b)
}

// all yields the numbers in ascending order.
func (s set) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(i*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}
