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

// Destination delivers entries from a spool to a backend. Make one with Start. Its methods may be
// called concurrently. Fields without a guard are immutable after Start, or safe for concurrent
// use.
type Destination struct {
	cfg      Config
	inString []byte // the repository as the inside of a JSON string
	throttle *throttle
	breaker  breaker
	own      *drainer // of this process's slot
	blobs    *blobSyncer
	flushing atomic.Int64 // calls of Flush that wait
	panics   atomic.Int64 // of the Backend

	cancel  context.CancelFunc
	running sync.WaitGroup
	closing sync.Once
	closed  error // result of Close; written by closing

	appending sync.Mutex
	lines     []seglog.Item // guarded by appending; scratch
	uploads   []seglog.Item // guarded by appending; scratch

	mu        sync.Mutex
	counters  Counters         // guarded by mu; Dropped without the counts of the logs
	ownerless *drainer         // guarded by mu; of the slot that is being adopted, or nil
	stalls    map[string]stall // guarded by mu; by activity
	// misconfigured holds the failures that were reported and that only a person can fix;
	// guarded by mu.
	misconfigured map[misconfigured]bool
}

// Start starts to deliver the entries in the spool. Entries that it finds there count as
// recovered. Close must be called to stop it.
func Start(c Config) *Destination {
	c.setDefaults()
	quoted := wire.AppendString(nil, c.Repository)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Destination{
		cfg: c, inString: quoted[1 : len(quoted)-1], throttle: newThrottle(c.InFlight), cancel: cancel,
		counters: Counters{Dropped: map[string]int64{}}, stalls: map[string]stall{},
		misconfigured: map[misconfigured]bool{},
	}
	s.own = newDrainer(s, c.Spool)
	s.counters.Recovered = s.own.countRecovered()
	s.blobs = newBlobSyncer(c.Spool)
	for _, run := range []func(context.Context){
		s.own.runLines, s.own.runUploads, s.blobs.run, s.runAdopter, s.runWatchdog,
	} {
		s.running.Go(func() { run(ctx) })
	}
	return s
}

// Append adds entries to the spool. It neither blocks nor does I/O. It does not keep the slice;
// the lines must not be changed afterwards. After Close the entries are dropped and counted.
func (s *Destination) Append(entries []messages.Entry) {
	if len(entries) == 0 {
		return
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	s.mu.Lock()
	s.counters.Appended += int64(len(entries)) // before the logs count them, so that Pending is never negative
	s.mu.Unlock()
	s.lines, s.uploads = s.lines[:0], s.uploads[:0]
	for i := range entries {
		e := &entries[i]
		item := seglog.Item{Kind: seglog.Line, Lane: e.OrderKey, Cost: e.Cost()}
		switch {
		case e.Upload == nil:
			item.Data = e.Line
			s.lines = append(s.lines, item)
		case e.Upload.Blob == "":
			item.Data = s.withRepository(e)
			s.lines = append(s.lines, item)
		default:
			item.Kind, item.Data = seglog.Attachment, s.uploadRecord(e)
			s.uploads = append(s.uploads, item)
			s.blobs.add(e.Upload.Blob)
		}
	}
	// A closed log counts the items as dropped.
	appendItems(s.cfg.Spool.Lines, s.lines)
	appendItems(s.cfg.Spool.Uploads, s.uploads)
	clear(s.lines)
	clear(s.uploads)
}

// appendItems appends items to a log, if there are any.
func appendItems(log *seglog.Log, items []seglog.Item) {
	if len(items) > 0 {
		log.Append(items)
	}
}

// withRepository returns the line of an attachment with the repository of this destination in it.
func (s *Destination) withRepository(e *messages.Entry) []byte {
	line := make([]byte, 0, len(e.Line)+len(s.inString))
	line = append(line, e.Line[:e.Upload.KeyAt]...)
	line = append(line, s.inString...)
	return append(line, e.Line[e.Upload.KeyAt:]...)
}

// uploadRecord returns the record of an attachment in the upload log.
func (s *Destination) uploadRecord(e *messages.Entry) []byte {
	return spool.AppendUpload(nil, &spool.Upload{
		Blob: e.Upload.Blob, Size: e.Upload.Size, MIME: e.Upload.MIME,
		Key: s.cfg.Repository + "/" + e.Upload.Path, Line: s.withRepository(e),
	})
}

// Sync waits until all entries that were appended before are durable or, if the disk does not
// take them, until they have an outcome. It returns nil, the cause of ctx, or after Close the
// error of the spool.
func (s *Destination) Sync(ctx context.Context) error {
	lines, uploads := s.own.appended()
	for s.own.onDisk() {
		// The disk may stop taking records at any time, so the wait is cut into slices.
		slice, cancel := context.WithTimeout(ctx, syncSlice)
		err := s.synced(slice, lines, uploads)
		late := slice.Err() != nil && ctx.Err() == nil
		if cancel(); !late {
			return err
		}
	}
	return s.Flush(ctx)
}

// syncSlice is the time after which Sync checks the disk again.
const syncSlice = time.Second

// synced waits until records up to the given numbers, and all blobs, are durable.
func (s *Destination) synced(ctx context.Context, lines, uploads uint64) error {
	if err := s.own.spool.Lines.Sync(ctx, lines); err != nil {
		return err
	}
	if err := s.own.spool.Uploads.Sync(ctx, uploads); err != nil {
		return err
	}
	return s.blobs.wait(ctx)
}

// Flush waits until all entries that were appended before have an outcome: delivered, dead letter
// or dropped. Meanwhile entries are sent at once, whatever their age. A back-off that is under way
// is cut short, once; a pause, and a time for which the server asked, are not. It returns nil,
// the cause of ctx, or after Close the error of the spool.
func (s *Destination) Flush(ctx context.Context) error {
	s.flushNow()
	defer s.flushing.Add(-1)
	return s.own.waitDrained(ctx)
}

// flushNow makes everything due until the caller decrements flushing. The throttle comes
// first: then an attempt that begins because of flushing uses up the permission, and no
// second one follows.
func (s *Destination) flushNow() {
	s.throttle.flushNow()
	s.flushing.Add(1)
	s.own.wake()
}

// report reports an event. Callers must not hold mu: Report may ask for the counters.
func (s *Destination) report(e Event) { s.cfg.Report(e) }

// inMemory reports whether a spool has no disk.
func inMemory(s *spool.Spool) bool { return s.Slot() == "" }
