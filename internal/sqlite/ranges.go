package sqlite

// span is a range of line numbers, both ends included.
type span struct{ first, last uint64 }

// fresh returns the parts of want that none of used contains. used is sorted and
// its spans neither overlap nor touch; so is the result.
func fresh(want span, used []span) []span {
	var parts []span
	for _, u := range used {
		if u.last < want.first {
			continue
		}
		if u.first > want.last {
			break
		}
		if u.first > want.first {
			parts = append(parts, span{want.first, u.first - 1})
		}
		if u.last >= want.last {
			return parts
		}
		want.first = u.last + 1
	}
	return append(parts, want)
}

// join returns the smallest span that contains s and all of the others, each of
// which overlaps or touches it.
func join(s span, others []span) span {
	for _, o := range others {
		s = span{min(s.first, o.first), max(s.last, o.last)}
	}
	return s
}
