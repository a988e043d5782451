package logger

import (
	"fmt"
	"maps"
	"time"

	"github.com/troupelog/troupe/internal/delivery"
)

// Stats is the account of a logger. It always balances:
//
//	Accepted + Recovered = Delivered + Pending + Dead + Dropped
type Stats struct {
	Accepted  int64 // entries taken from calls
	Recovered int64 // entries that earlier processes left in the spool
	Delivered int64 // acknowledged by the server
	Pending   int64 // on their way; after Close, in the spool for the next process
	Dead      int64 // refused by the server for good, and kept as dead letters
	Dropped   int64 // given up, see DroppedBy

	// SampledOut are entries of calls that Config.Sample or Config.Tail left out; they are
	// in none of the others.
	SampledOut int64

	PendingBytes int64            // memory of what is not on disk or delivered
	SpoolBytes   int64            // disk space of what is on disk
	DroppedBy    map[string]int64 // dropped entries by reason
	Rejected     int64            // calls that were not accepted, see RejectedBy
	RejectedBy   map[string]int64 // rejected calls by reason
	Doubtful     map[string]int64 // accepted calls that look like a mistake, by reason
	Derived      int64            // calls and headers with an id that was replaced by a safe one
	Unreported   int64            // errors that OnError, and records that the handler of Slog, could not keep up with

	Panics      int64 // contained panics, and goroutines ended by runtime.Goexit: actors, OnError, the handler of Slog, transport
	Quarantined int64 // entries emitted by a supervisor after such a panic
	Orphans     int64 // entities ended for their caller
	LeftOpen    int64 // entities that Close had no time to end; 0 before Close, and with KeepOrphans
	Live        int64 // session and trace actors in memory
	Passive     int64 // sessions kept as a record
	Ids         int   // ids that calls by id can find

	Traffic Traffic // what the server was sent

	Sinks []SinkStats // the destinations that AddSink added, in their order
}

// SinkStats is the account of a sink; it balances as Stats does.
type SinkStats struct {
	ID                                            string // its log repository
	Accepted, Recovered, Delivered, Pending, Dead int64
	Dropped                                       int64
	DroppedBy                                     map[string]int64
	Traffic                                       Traffic
}

// Traffic says what one destination was sent, in this process, and what waits for it. A
// batch or upload counts once the server took it, so the mean batch has Entries / Batches
// entries. Bytes are those before compression.
type Traffic struct {
	Batches, Entries, Bytes      int64
	LargestEntries, LargestBytes int64         // of one batch
	Uploads, UploadBytes         int64         // attachments, and lines too large to be sent
	Retries                      int64         // failed attempts, of up to three requests each, that are repeated
	QueueAge                     time.Duration // of the oldest pending entry, about; 0 if there is none
}

// String returns the account in one line; what earlier processes left is in it where
// there is any.
func (s Stats) String() string {
	recovered := ""
	if s.Recovered > 0 {
		recovered = fmt.Sprintf("recovered=%d ", s.Recovered)
	}
	return fmt.Sprintf("accepted=%d %sdelivered=%d pending=%d dead=%d dropped=%d",
		s.Accepted, recovered, s.Delivered, s.Pending, s.Dead, s.Dropped)
}

// Stats returns the account of this moment.
func (l *Logger) Stats() Stats {
	if l == nil {
		return Stats{}
	}
	all := *l.destinations.Load()
	// What left the actors is read before what entered them, so that nothing is
	// counted as pending twice.
	primary := all[0].sink.Counters()
	left := int64(0)
	if l.sampler != nil {
		left = l.sampler.Left()
	}
	a, c := l.ledger.Read(), l.actors.Counts()
	missed, panics := l.slog.counts()
	s := Stats{
		Accepted: a.Accepted - left, SampledOut: left, Recovered: primary.Recovered, Delivered: primary.Delivered, Dead: primary.Dead,
		DroppedBy: maps.Clone(primary.Dropped), PendingBytes: a.Bytes, SpoolBytes: primary.SpoolBytes, Unreported: l.report.unseen.Load() + missed,
		Panics: c.Panics + primary.Panics + l.report.panicky.Load() + panics, Quarantined: a.Quarantined, Orphans: c.AutoEnded, LeftOpen: c.LeftOpen,
		Derived: l.derived.count.Load(), Live: c.Live, Passive: c.Passive, Ids: c.Registered, Traffic: trafficOf(&primary),
	}
	if c.Lost > 0 {
		s.DroppedBy[lostInActors] = c.Lost
	}
	s.Dropped = sum(s.DroppedBy)
	s.Pending = s.Accepted + s.Recovered - s.Delivered - s.Dead - s.Dropped
	for _, d := range all[1:] {
		s.Sinks = append(s.Sinks, d.stats())
	}
	l.report.mu.Lock()
	defer l.report.mu.Unlock()
	s.RejectedBy, s.Doubtful = maps.Clone(l.report.rejected), maps.Clone(l.report.doubtful)
	for _, n := range s.RejectedBy {
		s.Rejected += n
	}
	return s
}

// lostInActors is the reason of entries that never reached a destination.
const lostInActors = "lost on the way"

func sum(counts map[string]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}

func (d *destination) stats() SinkStats {
	a := d.sink.Counters()
	return SinkStats{
		ID: d.cfg.ID, Accepted: a.Appended, Recovered: a.Recovered, Delivered: a.Delivered, Pending: a.Pending(), Dead: a.Dead,
		Dropped: sum(a.Dropped), DroppedBy: maps.Clone(a.Dropped), Traffic: trafficOf(&a),
	}
}

func trafficOf(a *delivery.Counters) Traffic {
	t := Traffic{
		Batches: a.Sent.Batches, Entries: a.Sent.Entries, Bytes: a.Sent.Bytes,
		LargestEntries: a.Sent.LargestEntries, LargestBytes: a.Sent.LargestBytes,
		Uploads: a.Sent.Uploads, UploadBytes: a.Sent.UploadBytes, Retries: a.Retries,
	}
	if !a.Oldest.IsZero() {
		t.QueueAge = max(0, time.Since(a.Oldest)) // the clock may have been set back
	}
	return t
}

// Health says whether entries reach the server.
type Health struct {
	// OK is false while deliveries or the spool fail, after Close, and when the server
	// denied at start that the log repository exists or that the key is good. Sinks
	// speak for themselves.
	OK bool
	// Delivery is why the last attempt failed, nil after a success.
	Delivery error
	// Spool is why entries are kept in memory though they should be on disk, nil if they
	// are not.
	Spool error
	// Full is true while the disk or MaxSpoolBytes is full.
	Full bool
	// Stalled names a stage that makes no progress, "" if all do.
	Stalled string
	// Repository is the server's denial of the repository or the key at start, nil if
	// it confirmed them or has not answered.
	Repository error
	// Pending is the number of entries on their way.
	Pending int64
	// Closed is true once Close was called.
	Closed bool
	// Sinks is the health of the destinations that AddSink added, in their order.
	Sinks []SinkHealth
}

// SinkHealth is the health of one sink; its fields are as those of Health.
type SinkHealth struct {
	ID       string // its log repository
	OK       bool
	Delivery error
	Spool    error
	Full     bool
	Stalled  string
	Pending  int64
}

// Health returns the state of this moment.
func (l *Logger) Health() Health {
	if l == nil {
		return Health{}
	}
	all := *l.destinations.Load()
	primary := all[0].health()
	h := Health{
		Delivery: primary.Delivery, Spool: primary.Spool, Full: primary.Full, Stalled: primary.Stalled,
		Pending: l.Stats().Pending, Closed: l.closed.Load(),
	}
	if err := l.repository.Load(); err != nil {
		h.Repository = *err
	}
	for _, d := range all[1:] {
		h.Sinks = append(h.Sinks, d.health())
	}
	h.OK = primary.OK && h.Repository == nil && !h.Closed
	return h
}
