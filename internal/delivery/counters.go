package delivery

import (
	"cmp"
	"maps"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// Counters counts the entries of a destination by outcome. It balances at every moment:
//
//	Appended + Recovered = Delivered + Dead + Dropped + Pending
//
// An attachment and its line are one entry, which is delivered with its line.
type Counters struct {
	Appended  int64            // entries given to Append
	Recovered int64            // entries found in the spool, or in a slot that was adopted
	Delivered int64            // entries that the server acknowledged
	Dead      int64            // entries that became dead letters
	Dropped   map[string]int64 // entries discarded without either, by reason

	Spooled    int64 // pending entries on disk; entries that are being moved count twice
	SpoolBytes int64 // disk space of the segments
	Panics     int64 // contained panics of the Backend

	// DeadDropped counts dead letters that were removed because there were too many. They are
	// counted in Dead as well.
	DeadDropped int64

	Sent    Sent
	Retries int64     // failed attempts to send or upload that are repeated; each may be up to three requests
	Oldest  time.Time // approximate time at which the oldest pending entry was appended; zero if there is none
}

// Sent counts accepted batches and uploads.
type Sent struct {
	Batches, Entries, Bytes      int64 // Bytes before compression
	LargestEntries, LargestBytes int64 // of a single batch
	Uploads, UploadBytes         int64
}

// batch counts a batch.
func (s *Sent) batch(entries, bytes int) {
	s.Batches++
	s.Entries += int64(entries)
	s.Bytes += int64(bytes)
	s.LargestEntries = max(s.LargestEntries, int64(entries))
	s.LargestBytes = max(s.LargestBytes, int64(bytes))
}

// Pending returns the number of entries without an outcome.
func (c *Counters) Pending() int64 {
	return c.Appended + c.Recovered - c.Delivered - c.Dead - total(c.Dropped)
}

// total returns the sum over all reasons.
func total(counts map[string]int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// Counters returns the current counters. They balance, though the logs go on while they are read:
// Pending is derived from the others.
func (s *Destination) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counters
	c.Dropped = maps.Clone(c.Dropped)
	c.Panics = s.panics.Load()
	for _, d := range []*drainer{s.own, s.ownerless} {
		if d != nil {
			c.addLog(d.spool.Lines.State())
			c.addLog(d.spool.Uploads.State())
			c.DeadDropped += d.spool.DeadDropped()
		}
	}
	return c
}

// addLog adds the counts that a log keeps itself.
func (c *Counters) addLog(state seglog.State) {
	for reason, n := range state.Dropped {
		c.Dropped[reason] += n
	}
	if state.Written > state.Acked {
		c.Spooled += min(state.Unacked, int64(state.Written-state.Acked))
	}
	c.SpoolBytes += state.DiskBytes
	c.Oldest = earlier(c.Oldest, state.Oldest)
}

// count changes the counters under mu.
func (s *Destination) count(change func(*Counters)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counters)
}

// drop counts and reports entries that are discarded for a reason that no log counts.
func (s *Destination) drop(n int64, reason string, err error) {
	if n <= 0 {
		return
	}
	s.count(func(c *Counters) { c.Dropped[reason] += n })
	s.report(Event{Kind: Dropped, Entries: int(n), Reason: reason, Err: err})
}

// Health is the condition of a destination.
type Health struct {
	Err     error  // of the last attempt to send or upload; nil after a success
	Spool   error  // why entries are kept in memory although there is a disk; nil if they are not
	Full    bool   // the spool has reached its limit, or the disk is full
	Stalled string // an activity that makes no progress, "" if there is none
}

// Health returns the current condition.
func (s *Destination) Health() Health {
	lines, uploads := s.own.spool.Lines.State(), s.own.spool.Uploads.State()
	return Health{
		Err:     cmp.Or(s.throttle.last(), s.own.uploadFailures.last()),
		Spool:   cmp.Or(lines.Err, uploads.Err),
		Full:    lines.Full || uploads.Full,
		Stalled: s.stalled(),
	}
}
