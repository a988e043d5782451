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
	// Accepted counts entries accepted from calls.
	Accepted int64
	// Recovered counts entries that earlier processes left in the spool.
	Recovered int64
	// Delivered counts entries acknowledged by the server.
	Delivered int64
	// Pending is the number of entries on their way. After Close they are in the spool for the
	// next process.
	Pending int64
	// Dead counts entries that the server refused for good. They are kept as dead letters, which
	// the command troupe spool dead shows.
	Dead int64
	// Dropped counts entries that were given up, DroppedBy the same by reason. They are lost.
	Dropped   int64
	DroppedBy map[string]int64

	// SampledOut counts the entries of calls that Config.Sample or Config.Tail dropped; no
	// other field includes them.
	SampledOut int64

	// PendingBytes is the memory of entries that are not on disk or delivered, in bytes.
	// Config.MaxBytes limits it.
	PendingBytes int64
	// SpoolBytes is the disk space of the spool, in bytes. Config.MaxSpoolBytes limits it.
	SpoolBytes int64

	// Rejected counts calls that were not accepted, RejectedBy the same by reason: the texts of
	// the Err variables of this package.
	Rejected   int64
	RejectedBy map[string]int64
	// Suspicious counts accepted calls that are probably a mistake, by reason, such as a call
	// after the end of its entity.
	Suspicious map[string]int64
	// Derived counts calls and headers whose id was replaced by a safe one.
	Derived int64
	// Unreported counts errors that OnError, and records that the handler of Slog, could not keep
	// up with.
	Unreported int64

	// Panics counts contained panics, and goroutines ended by runtime.Goexit, of actors, OnError,
	// the handler of Slog and the transport.
	Panics int64
	// Salvaged counts entries that were emitted after a panic of their actor: they are logged,
	// but the live state of their trace may lack them.
	Salvaged int64
	// AutoEnded counts entities that were ended because nobody else did.
	AutoEnded int64
	// LeftOpen counts entities that Close had no time to end. It is 0 before Close, and with
	// DisableAutoEnd.
	LeftOpen int64
	// Live is the number of sessions and traces in memory.
	Live int64
	// Passive is the number of idle sessions that are kept as a record.
	Passive int64
	// KnownIDs is the number of entities whose calls by id join the order of their trace.
	KnownIDs int

	// Traffic counts the requests to the server.
	Traffic Traffic

	// Destinations has the counters of each destination: the primary first, then in the order
	// of AddDestination.
	Destinations []DestinationStats
}

// DestinationStats are the counters of one destination. They mean the same as in Stats,
// and balance too.
type DestinationStats struct {
	// ID is the log repository.
	ID string
	// These balance as in Stats. Accepted counts the entries that reached the destination; for
	// the primary one, as in Stats, those accepted from calls.
	Accepted, Recovered, Delivered, Pending, Dead int64
	Dropped                                       int64
	DroppedBy                                     map[string]int64
	Traffic                                       Traffic
}

// Traffic counts the requests of this process to one destination. A batch or upload counts
// once the server has acknowledged it, so the mean batch has Entries / Batches entries.
// Bytes are counted before compression.
type Traffic struct {
	// Batches, Entries and Bytes count acknowledged batches and their content.
	Batches, Entries, Bytes int64
	// LargestEntries and LargestBytes are the maxima of one batch.
	LargestEntries, LargestBytes int64
	// Uploads and UploadBytes count stored attachments, and lines too large for a batch.
	Uploads, UploadBytes int64
	// Retries counts failed attempts, of up to three requests each, that are repeated.
	Retries int64
	// QueueAge is the approximate age of the oldest pending entry, 0 if there is none. One that
	// grows without a pause is an outage.
	QueueAge time.Duration
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
		Accepted: a.Accepted - sampledOut, SampledOut: sampledOut,
		Recovered: primary.Recovered, Delivered: primary.Delivered, Dead: primary.Dead,
		DroppedBy: maps.Clone(primary.Dropped), PendingBytes: a.Bytes, SpoolBytes: primary.SpoolBytes,
		Derived: l.derived.count.Load(), Unreported: l.report.unseen.Load() + missed,
		Panics: c.Panics + primary.Panics + l.report.panicky.Load() + panics, Salvaged: a.Salvaged,
		AutoEnded: c.AutoEnded, LeftOpen: c.LeftOpen, Live: c.Live, Passive: c.Passive, KnownIDs: c.Registered,
		Traffic: trafficOf(&primary),
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

// sum returns the total of counts.
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
		ID: d.cfg.ID, Accepted: a.Appended, Recovered: a.Recovered, Delivered: a.Delivered,
		Pending: a.Pending(), Dead: a.Dead,
		Dropped: sum(a.Dropped), DroppedBy: maps.Clone(a.Dropped), Traffic: trafficOf(&a),
	}
}

// trafficOf converts the counters of a delivery.
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
