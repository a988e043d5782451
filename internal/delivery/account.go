package delivery

import (
	"cmp"
	"maps"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// Account says what became of the entries of a sink. It balances at every moment:
//
//	Appended + Recovered = Delivered + Dead + Dropped + Pending
//
// An attachment and its line are one entry, which is delivered with its line.
type Account struct {
	Appended  int64            // entries given to Append
	Recovered int64            // entries found in the spool, or in one that was adopted
	Delivered int64            // entries that the server acknowledged
	Dead      int64            // entries that became dead letters
	Dropped   map[string]int64 // entries given up, by reason

	Spooled    int64 // pending entries that are on disk; those being moved count twice
	SpoolBytes int64 // disk space of the segments
	Panics     int64 // contained panics of the Backend

	// DeadDropped counts the dead letters that were removed because there were too many;
	// they are counted in Dead, too.
	DeadDropped int64

	Sent    Sent
	Retries int64     // failed attempts to send or to upload, of up to three requests each, that are repeated
	Oldest  time.Time // when the oldest pending entry was appended, about; zero if there is none
}

// Sent counts what the server took.
type Sent struct {
	Batches, Entries, Bytes      int64 // Bytes as they are before compression
	LargestEntries, LargestBytes int64 // of one batch
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

// Pending returns how many entries have no outcome.
func (a *Account) Pending() int64 {
	return a.Appended + a.Recovered - a.Delivered - a.Dead - total(a.Dropped)
}

func total(counts map[string]int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// Account returns the account of this moment.
func (s *Sink) Account() Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account
	a.Dropped = maps.Clone(a.Dropped)
	a.Panics = s.panics.Load()
	for _, l := range []*lane{s.own, s.orphan} {
		if l != nil {
			a.read(l.spool.Lines.State())
			a.read(l.spool.Uploads.State())
			a.DeadDropped += l.spool.DeadDropped()
		}
	}
	return a
}

// read adds what a log knows.
func (a *Account) read(state seglog.State) {
	for reason, n := range state.Dropped {
		a.Dropped[reason] += n
	}
	if state.Written > state.Acked {
		a.Spooled += min(state.Unacked, int64(state.Written-state.Acked))
	}
	a.SpoolBytes += state.DiskBytes
	a.Oldest = earlier(a.Oldest, state.Oldest)
}

// count changes the account.
func (s *Sink) count(change func(*Account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.account)
}

// drop counts entries that are given up for a reason that no log counts, and tells it.
func (s *Sink) drop(n int64, reason string, err error) {
	if n <= 0 {
		return
	}
	s.count(func(a *Account) { a.Dropped[reason] += n })
	s.report(Event{Kind: Dropped, Entries: int(n), Reason: reason, Err: err})
}

// Health says how a sink is at the moment.
type Health struct {
	Err     error  // of the last attempt to send or to upload; nil after a success
	Spool   error  // why entries are kept in memory though there is a disk; nil if they are not
	Full    bool   // the spool has reached its limit, or the disk is full
	Stalled string // a stage that makes no progress, "" if all do
}

// Health returns the state of this moment.
func (s *Sink) Health() Health {
	lines, uploads := s.own.spool.Lines.State(), s.own.spool.Uploads.State()
	return Health{
		Err:     cmp.Or(s.gate.last(), s.own.upload.last()),
		Spool:   cmp.Or(lines.Err, uploads.Err),
		Full:    lines.Full || uploads.Full,
		Stalled: s.stalled(),
	}
}
