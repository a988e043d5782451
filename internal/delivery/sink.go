package delivery

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// Sink is one destination. Make it with Start. Its methods may be called concurrently.
type Sink struct {
	cfg      Config
	inString []byte // the repository's id as the inside of a JSON string
	gate     *gate
	breaker  breaker
	own      *lane
	blobs    *blobSyncer
	eager    atomic.Int64 // flushes that wait
	panics   atomic.Int64 // of the Backend

	cancel  context.CancelFunc
	running sync.WaitGroup
	closing sync.Once
	closed  error // what Close returns; written by closing

	appending sync.Mutex
	lines     []seglog.Item // guarded by appending; scratch
	uploads   []seglog.Item // guarded by appending; scratch

	mu      sync.Mutex
	account Account            // guarded by mu; of Dropped, what no log counts
	orphan  *lane              // guarded by mu; nil if none is adopted
	stalls  map[string]episode // guarded by mu; by stage
	// misconfigured holds the failures that were reported and that only a person can mend;
	// guarded by mu.
	misconfigured map[misconfigured]bool
}

// Start begins to deliver what is in the spool. What it finds there counts as
// recovered.
func Start(c Config) *Sink {
	c.setDefaults()
	quoted := wire.AppendString(nil, c.Repository)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sink{
		cfg: c, inString: quoted[1 : len(quoted)-1], gate: newGate(c.InFlight), cancel: cancel,
		account: Account{Dropped: map[string]int64{}}, stalls: map[string]episode{},
		misconfigured: map[misconfigured]bool{},
	}
	s.own = newLane(s, c.Spool)
	s.account.Recovered = s.own.found()
	s.blobs = newBlobSyncer(c.Spool)
	for _, run := range []func(context.Context){s.own.runLines, s.own.runUploads, s.blobs.run, s.adopt, s.watch} {
		s.running.Go(func() { run(ctx) })
	}
	return s
}

// Append takes entries into the spool. It neither blocks nor does I/O. It does not keep
// the slice, and nobody may write to the lines afterwards. After Close the entries are
// dropped and counted.
func (s *Sink) Append(entries []messages.Entry) {
	if len(entries) == 0 {
		return
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	s.mu.Lock()
	s.account.Appended += int64(len(entries))
	s.mu.Unlock()
	s.lines, s.uploads = s.lines[:0], s.uploads[:0]
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Upload == nil:
			s.lines = append(s.lines, seglog.Item{Kind: seglog.Line, Lane: e.Lane, Data: e.Line, Cost: e.Cost()})
		case e.Upload.Blob == "":
			s.lines = append(s.lines, seglog.Item{Kind: seglog.Line, Lane: e.Lane, Data: s.localised(e), Cost: e.Cost()})
		default:
			s.uploads = append(s.uploads, seglog.Item{Kind: seglog.Attachment, Lane: e.Lane, Data: s.job(e), Cost: e.Cost()})
			s.blobs.add(e.Upload.Blob)
		}
	}
	// A log that is closed counts them as dropped.
	appendItems(s.cfg.Spool.Lines, s.lines)
	appendItems(s.cfg.Spool.Uploads, s.uploads)
	clear(s.lines)
	clear(s.uploads)
}

func appendItems(log *seglog.Log, items []seglog.Item) {
	if len(items) > 0 {
		log.Append(items)
	}
}

// localised returns the line with this sink's repository in it.
func (s *Sink) localised(e *messages.Entry) []byte {
	line := make([]byte, 0, len(e.Line)+len(s.inString))
	line = append(line, e.Line[:e.Upload.KeyAt]...)
	line = append(line, s.inString...)
	return append(line, e.Line[e.Upload.KeyAt:]...)
}

// job returns the upload record of an attachment.
func (s *Sink) job(e *messages.Entry) []byte {
	return spool.AppendUpload(nil, &spool.Upload{
		Blob: e.Upload.Blob, Size: e.Upload.Size, MIME: e.Upload.MIME,
		Key: s.cfg.Repository + "/" + e.Upload.Path, Line: s.localised(e),
	})
}

// Sync waits until everything that was appended before is durable; where the disk does
// not take it, until it is delivered. It returns nil, or the cause of ctx, or the
// spool's error after Close.
func (s *Sink) Sync(ctx context.Context) error {
	lines, uploads := s.own.appended()
	for s.own.onDisk() {
		// The disk may stop taking records at any time, hence not all at once.
		slice, cancel := context.WithTimeout(ctx, syncSlice)
		err := s.synced(slice, lines, uploads)
		late := slice.Err() != nil && ctx.Err() == nil
		if cancel(); !late {
			return err
		}
	}
	return s.Flush(ctx)
}

// syncSlice is how long Sync waits for the disk before it looks how the disk is.
const syncSlice = time.Second

func (s *Sink) synced(ctx context.Context, lines, uploads uint64) error {
	if err := s.own.spool.Lines.Sync(ctx, lines); err != nil {
		return err
	}
	if err := s.own.spool.Uploads.Sync(ctx, uploads); err != nil {
		return err
	}
	return s.blobs.wait(ctx)
}

// Flush waits until everything that was appended before has an outcome: it is
// delivered, a dead letter or dropped. Meanwhile everything is sent at once, whatever
// its age, and a back-off that is under way is cut short, once; a pause, and a time for
// which the server asked, are not. It returns nil, or the cause of ctx, or the spool's
// error after Close.
func (s *Sink) Flush(ctx context.Context) error {
	s.hurry()
	defer s.eager.Add(-1)
	return s.own.drained(ctx)
}

// hurry makes everything due until eager is lowered again. The gate is asked first: an
// attempt that begins because of eager is the one that was asked for.
func (s *Sink) hurry() {
	s.gate.hurry()
	s.eager.Add(1)
	s.own.wake()
}

// report tells of an event.
func (s *Sink) report(e Event) { s.cfg.Report(e) }

// inMemory reports whether a spool has no disk.
func inMemory(s *spool.Spool) bool { return s.Slot() == "" }
