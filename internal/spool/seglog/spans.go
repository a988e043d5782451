package seglog

import "sort"

// span is a range of sequence numbers, both ends in it.
type span struct{ from, to uint64 }

// spans is a set of sequence numbers as sorted ranges that do not touch.
type spans []span

// add puts a range into the set and returns how many of them are new. It costs O(1)
// at the end of the set.
func (s *spans) add(from, to uint64) int64 {
	if from > to {
		return 0
	}
	all := *s
	// The ranges lo to hi-1 touch the new one and become one with it.
	lo, hi := len(all), len(all)
	if lo > 0 && all[lo-1].to >= from-1 {
		lo = sort.Search(len(all), func(i int) bool { return all[i].to >= from-1 })
		hi = sort.Search(len(all), func(i int) bool { return all[i].from > to && all[i].from-1 > to })
	}
	fresh := int64(to - from + 1)
	if lo == hi {
		all = append(all, span{})
		copy(all[lo+1:], all[lo:])
		all[lo] = span{from, to}
		*s = all
		return fresh
	}
	fresh -= all.count(from, to)
	all[lo] = span{min(all[lo].from, from), max(all[hi-1].to, to)}
	*s = append(all[:lo+1], all[hi:]...)
	return fresh
}

// count returns how many numbers of a range are in the set.
func (s spans) count(from, to uint64) (n int64) {
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= from })
	for ; i < len(s) && s[i].from <= to; i++ {
		n += int64(min(s[i].to, to) - max(s[i].from, from) + 1)
	}
	return n
}

// skip returns the highest n such that everything above seq and up to n is in the set.
func (s spans) skip(seq uint64) uint64 {
	i := sort.Search(len(s), func(i int) bool { return s[i].to > seq })
	if i < len(s) && s[i].from <= seq+1 {
		return s[i].to
	}
	return seq
}

// forget removes everything up to a number.
func (s *spans) forget(to uint64) {
	all := *s
	n := 0
	for n < len(all) && all[n].to <= to {
		n++
	}
	if n > 0 {
		all = append(all[:0], all[n:]...)
	}
	if len(all) > 0 {
		all[0].from = max(all[0].from, to+1)
	}
	*s = all
}
