package seglog

import "time"

// recent holds the latest written records that are not acknowledged, so that a reader that
// keeps up never reads the files. It is guarded by Log.mu.
type recent struct {
	ring
	data  int64 // bytes of all
	limit int64 // of data
}

// add appends a record that was written, and gives up the oldest ones over the limit.
func (r *recent) add(e *entry) {
	if r.limit == 0 {
		return
	}
	r.push(*e)
	for r.data += int64(len(e.data)); r.data > r.limit; {
		r.forget()
	}
}

// done gives up all records up to seq.
func (r *recent) done(seq uint64) {
	for r.n > 0 && r.at(0).seq <= seq {
		r.forget()
	}
}

// forget removes the oldest record.
func (r *recent) forget() {
	e := r.pop()
	r.data -= int64(len(e.data))
}

// readRecent appends the recent records with a number of from or more, if all that were
// written since are there. Callers must hold mu.
func (l *Log) readRecent(dst []Record, from uint64, maxRecords, maxBytes int) []Record {
	r := &l.recent
	if r.n == 0 || r.at(0).seq > from {
		return dst
	}
	base := len(dst)
	for i := r.from(from); i < r.n && len(dst)-base < maxRecords; i++ {
		e := r.at(i)
		maxBytes -= len(e.data) + 1
		if maxBytes < 0 && len(dst) > base {
			break
		}
		dst = append(dst, Record{Origin: l.origin, Seq: e.seq, Kind: e.kind, Lane: e.lane, Data: e.data, Time: l.clock.began.Add(time.Duration(e.at))})
		l.handed = max(l.handed, e.seq)
		l.read += int64(len(e.data))
	}
	return dst
}
