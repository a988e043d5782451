package seglog

// drop counts a range of numbers as dropped and returns how many are new: none is counted
// twice. Callers must hold mu.
func (l *Log) drop(from, to uint64, reason string) int64 {
	n := l.gaps.add(max(from, l.acked+1), to) // below acked the gaps are forgotten
	if n == 0 {
		return 0
	}
	l.dropped[reason] += n
	kind := Dropped
	if reason == damage {
		kind = Damaged
	}
	l.report(Event{Kind: kind, Reason: reason, Count: n})
	l.settle()
	return n
}

// doubt leaves out a range of numbers that may or may not belong to lost records, and
// returns how many are new. Callers must hold mu.
func (l *Log) doubt(from, to uint64) int64 {
	n := l.gaps.add(max(from, l.acked+1), to)
	if n > 0 {
		l.unknown += n
		l.report(Event{Kind: Unknown, Reason: damage, Count: n})
	}
	return n
}
