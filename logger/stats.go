package logger

import (
	"fmt"
	"maps"
	"time"

	"github.com/troupelog/troupe/internal/delivery"
)

// Stats are the counters of a logger, from its start on. The first five always balance:
//
//	Accepted + Recovered = Delivered + Pending + Dead + Dropped
//
// The fields that are not about calls describe the primary destination, as Destinations[0]
// does.
type Stats struct {
	Accepted  int64 // entries accepted from calls
	Recovered int64 // entries that earlier processes left in the spool
	Delivered int64 // entries acknowledged by the server
	Pending   int64 // entries on their way; after Close, in the spool for the next process
	Dead      int64 // entries that the server refused for good, kept as dead letters
	Dropped   int64 // entries given up, see DroppedBy

	// SampledOut counts the entries of calls that Config.Sample or Config.Tail dropped; no
	// other field includes them.
	SampledOut int64

	PendingBytes int64            // memory of entries that are not on disk or delivered, in bytes
	SpoolBytes   int64            // disk space of the spool, in bytes
	DroppedBy    map[string]int64 // dropped entries by reason
	Rejected     int64            // calls that were not accepted, see RejectedBy
	RejectedBy   map[string]int64 // rejected calls by reason
	Suspicious   map[string]int64 // accepted calls that are probably a mistake, by reason
	Derived      int64            // calls and headers whose id was replaced by a safe one
	Unreported   int64            // errors that OnError, and records that the handler of Slog, could not keep up with

	Panics    int64 // contained panics, and goroutines ended by runtime.Goexit: actors, OnError, the handler of Slog, transport
	Salvaged  int64 // entries emitted after a panic of their actor
	AutoEnded int64 // entities ended because nobody else did
	LeftOpen  int64 // entities that Close had no time to end; 0 before Close, and with DisableAutoEnd
	Live      int64 // session and trace actors in memory
	Passive   int64 // sessions kept as a record
	KnownIDs  int   // ids that calls by id can find

	Traffic Traffic // to the server

	Destinations []DestinationStats // the primary first, then in the order of AddDestination
}

// DestinationStats are the counters of one destination. They mean the same as in Stats,
// and balance too.
type DestinationStats struct {
	ID                                            string // the log repository
	Accepted, Recovered, Delivered, Pending, Dead int64
	Dropped                                       int64
	DroppedBy                                     map[string]int64
	Traffic                                       Traffic
}

// Traffic counts the requests of this process to one destination. A batch or upload counts
// once the server has acknowledged it, so the mean batch has Entries / Batches entries.
// Bytes are counted before compression.
type Traffic struct {
	Batches, Entries, Bytes      int64
	LargestEntries, LargestBytes int64         // of one batch
	Uploads, UploadBytes         int64         // attachments, and lines too large for a batch
	Retries                      int64         // failed attempts, of up to three requests each, that are repeated
	QueueAge                     time.Duration // approximate age of the oldest pending entry; 0 if there is none
}

// String returns the balance in one line. Recovered is left out if it is 0.
func (s Stats) String() string {
	recovered := ""
	if s.Recovered > 0 {
		recovered = fmt.Sprintf("recovered=%d ", s.Recovered)
	}
	return fmt.Sprintf("accepted=%d %sdelivered=%d pending=%d dead=%d dropped=%d",
		s.Accepted, recovered, s.Delivered, s.Pending, s.Dead, s.Dropped)
}

// Stats returns the current counters, zero for a nil Logger.
func (l *Logger) Stats() Stats {
	if l == nil {
		return Stats{}
	}
	all := l.destinations.list()
	// Read the entries that left the actors before those that entered them, so that none is
	// counted as pending twice.
	primary := all[0].sink.Counters()
	sampledOut := int64(0)
	if l.sampler != nil {
		sampledOut = l.sampler.Left()
	}
	a, c := l.ledger.Read(), l.actors.Counts()
	missed, panics := l.console.counts()
	s := Stats{
		Accepted: a.Accepted - sampledOut, SampledOut: sampledOut, Recovered: primary.Recovered, Delivered: primary.Delivered, Dead: primary.Dead,
		DroppedBy: maps.Clone(primary.Dropped), PendingBytes: a.Bytes, SpoolBytes: primary.SpoolBytes, Unreported: l.report.unseen.Load() + missed,
		Panics: c.Panics + primary.Panics + l.report.panicky.Load() + panics, Salvaged: a.Salvaged, AutoEnded: c.AutoEnded, LeftOpen: c.LeftOpen,
		Derived: l.derived.count.Load(), Live: c.Live, Passive: c.Passive, KnownIDs: c.Registered, Traffic: trafficOf(&primary),
	}
	if c.Lost > 0 {
		s.DroppedBy[lostInActors] = c.Lost
	}
	s.Dropped = sum(s.DroppedBy)
	s.Pending = s.Accepted + s.Recovered - s.Delivered - s.Dead - s.Dropped
	s.RejectedBy, s.Suspicious = l.report.calls()
	s.Rejected = sum(s.RejectedBy)
	s.Destinations = append(s.Destinations, DestinationStats{
		ID: l.cfg.ID, Accepted: s.Accepted, Recovered: s.Recovered, Delivered: s.Delivered, Pending: s.Pending, Dead: s.Dead,
		Dropped: s.Dropped, DroppedBy: maps.Clone(s.DroppedBy), Traffic: s.Traffic,
	})
	for _, d := range all[1:] {
		s.Destinations = append(s.Destinations, d.stats())
	}
	return s
}

// lostInActors is the reason of dropped entries that never reached a destination.
const lostInActors = "lost on the way"

func sum(counts map[string]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}

// stats returns the counters of an added destination. Logger.Stats computes those for
// the primary, because only it knows the entries that are still with the actors.
func (d *destination) stats() DestinationStats {
	a := d.sink.Counters()
	return DestinationStats{
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
