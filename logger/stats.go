package logger

import (
	"fmt"
	"maps"
)

// Stats is the account of a logger. It always balances:
//
//	Accepted = Delivered + Pending + Dead + Dropped
type Stats struct {
	Accepted  int64 // entries taken from calls
	Delivered int64 // acknowledged by the server
	Pending   int64 // on their way
	Dead      int64 // refused by the server for good
	Dropped   int64 // given up, see DroppedBy

	PendingBytes int64            // memory of what is pending
	DroppedBy    map[string]int64 // dropped entries by reason
	Rejected     int64            // calls that were not accepted, see RejectedBy
	RejectedBy   map[string]int64 // rejected calls by reason
	Doubtful     map[string]int64 // accepted calls that look like a mistake, by reason
	Unreported   int64            // errors that OnError could not keep up with

	Panics      int64 // contained panics: actors, OnError
	Quarantined int64 // entries emitted by a supervisor after such a panic
	Orphans     int64 // entities ended for their caller
	Live        int64 // session and trace actors in memory
	Passive     int64 // sessions kept as a record
	Ids         int   // ids that calls by id can find
}

// String returns the account in one line.
func (s Stats) String() string {
	return fmt.Sprintf("accepted=%d delivered=%d pending=%d dead=%d dropped=%d",
		s.Accepted, s.Delivered, s.Pending, s.Dead, s.Dropped)
}

// Stats returns the account of this moment.
func (l *Logger) Stats() Stats {
	if l == nil {
		return Stats{}
	}
	a, c := l.ledger.Read(), l.actors.Counts()
	s := Stats{
		Accepted: a.Accepted, Delivered: a.Delivered, Pending: a.Pending(), Dead: a.Dead, Dropped: a.Dropped,
		PendingBytes: a.Bytes, DroppedBy: a.Causes, Unreported: l.report.unseen.Load(),
		Panics: c.Panics + l.report.panicky.Load(), Quarantined: a.Quarantined, Orphans: c.Orphans,
		Live: c.Live, Passive: c.Passive, Ids: c.Registered,
	}
	l.report.mu.Lock()
	defer l.report.mu.Unlock()
	s.RejectedBy, s.Doubtful = maps.Clone(l.report.rejected), maps.Clone(l.report.doubtful)
	for _, n := range s.RejectedBy {
		s.Rejected += n
	}
	return s
}

// Health says whether entries reach the server.
type Health struct {
	// OK is false while deliveries fail, after Close, and when the server denied at
	// start that the log repository exists or that the key is good.
	OK bool
	// Delivery is why the last attempt failed, nil after a success.
	Delivery error
	// Repository is the server's denial of the repository or the key at start, nil if
	// it confirmed them or has not answered.
	Repository error
	// Pending is the number of entries on their way.
	Pending int64
	// Closed is true once Close was called.
	Closed bool
}

// Health returns the state of this moment.
func (l *Logger) Health() Health {
	if l == nil {
		return Health{}
	}
	account := l.ledger.Read()
	h := Health{Delivery: l.actors.DeliveryError(), Pending: account.Pending(), Closed: l.closed.Load()}
	if err := l.repository.Load(); err != nil {
		h.Repository = *err
	}
	h.OK = h.Delivery == nil && h.Repository == nil && !h.Closed
	return h
}
