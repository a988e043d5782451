package seglog

import (
	"maps"
	"time"
)

// State is a snapshot of a Log.
type State struct {
	Appended uint64 // the last sequence number given out
	Written  uint64 // the last one on disk
	Durable  uint64 // everything up to it is durable, acknowledged or dropped
	Acked    uint64 // everything up to it is acknowledged or dropped

	Unacked      int64     // records that are neither acknowledged nor dropped
	UnackedBytes int64     // of these; an estimate where a segment is partly acknowledged
	Oldest       time.Time // when the oldest of these was appended, or its segment begun, by the clock of the log; zero if there is none

	MemoryBytes int64 // cost of the records that are not on disk
	DiskBytes   int64 // of all segments

	Recovered int64            // records found by Open that were not acknowledged
	Dropped   map[string]int64 // by reason: "spool full", "memory full", "too old", "damaged", "bad size", "closed"

	// Unknown is the number of sequence numbers that Open left out because they may or may
	// not have had records. It limits the records lost in addition to Dropped. They are in
	// no other count.
	Unknown int64

	// Settled reports that acknowledged and dropped records will not come back, even if
	// the power is lost now.
	Settled bool

	Full bool  // records are kept in memory at present, because MaxBytes or the end of the disk is reached
	Err  error // why else records are kept in memory at present; nil if none are
}

// State returns the present state.
func (l *Log) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := State{
		Appended:    l.appended,
		Written:     l.written,
		Durable:     l.safe(),
		Acked:       l.acked,
		Unacked:     int64(l.appended-l.acked) - l.gaps.count(l.acked+1, l.appended),
		MemoryBytes: l.mem.cost,
		DiskBytes:   l.disk,
		Recovered:   l.recovery,
		Dropped:     maps.Clone(l.dropped),
		Unknown:     l.unknown,
		Settled:     l.floor() <= l.stored,
	}
	if l.mem.len() > 0 {
		s.Full, s.Err = l.full, l.err
	}
	for _, seg := range l.segs {
		s.UnackedBytes += seg.bytesAbove(l.acked)
		if s.Oldest.IsZero() && seg.last > l.acked {
			s.Oldest = l.timeOf(seg, l.acked+1)
		}
	}
	s.UnackedBytes += l.mem.data
	if s.Oldest.IsZero() && l.mem.len() > 0 {
		s.Oldest = l.clock.began.Add(time.Duration(l.mem.at(0).at))
	}
	return s
}
