package delivery

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

// lane empties one slot: the sink's own, or an orphan. One goroutine runs runLines and
// is the reader of the log Lines, another runs runUploads and is that of Uploads.
type lane struct {
	sink   *Sink
	spool  *spool.Spool
	urgent bool // everything is due at once

	wakeLines   chan struct{} // capacity 1
	wakeUploads chan struct{} // capacity 1
	tidyUploads chan struct{} // capacity 1
	lastTry     chan struct{} // capacity 1; ends a firm wait of the uploads
	tidied      atomic.Int64  // what lost was when tidy last left nothing

	uploading stage   // what the Backend is at; of the lines, each flight knows
	upload    failure // of the goroutine of the uploads

	// Owned by the goroutine of the lines.
	records []seglog.Record // read last
	seen    time.Time       // when lines were first seen waiting since the last batch
	flights []*flight
	large   largeLine

	// Owned by the goroutine of the uploads.
	jobs      []seglog.Record
	refused   map[uint64]bool // jobs that the server refused once
	spent     []spentBlob     // oldest first
	firmUntil time.Time       // nothing is uploaded before, as behind the gate: see isFirm

	mu    sync.Mutex
	born  map[uint64]uint64   // guarded by mu; of a job that was put back, the number it had first
	void  map[uint64]struct{} // guarded by mu; copies of jobs that are not valid
	moved int                 // guarded by mu; large lines that became jobs
	limit int                 // guarded by mu; bytes of a batch
	ahead []finished          // guarded by mu; in the order of their numbers
}

func newLane(s *Sink, sp *spool.Spool) *lane {
	l := &lane{
		sink: s, spool: sp, limit: s.cfg.BatchBytes,
		wakeLines: make(chan struct{}, 1), wakeUploads: make(chan struct{}, 1), tidyUploads: make(chan struct{}, 1), lastTry: make(chan struct{}, 1),
		refused: map[uint64]bool{}, born: map[uint64]uint64{}, void: map[uint64]struct{}{},
	}
	for range s.cfg.InFlight {
		l.flights = append(l.flights, &flight{lane: l})
	}
	return l
}

// size returns how many bytes a batch has at most.
func (l *lane) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

// grow lets batches become larger, after one that was taken.
func (l *lane) grow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = min(l.limit+l.limit/8, l.sink.cfg.BatchBytes)
}

// shrink makes batches smaller, after a body that was too large.
func (l *lane) shrink(body int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = min(l.limit, max(minBatchBytes, body/2))
}

// sending returns since when the Backend is at the batch that is under way the longest;
// zero if none is.
func (l *lane) sending() (since time.Time) {
	for _, f := range l.flights {
		since = earlier(since, f.sending.begun())
	}
	return since
}

// found returns how many entries were in the slot when it was opened, with those that
// have been dropped since. It is called before the goroutines begin.
func (l *lane) found() int64 {
	lines, uploads := l.spool.Lines.State(), l.spool.Uploads.State()
	return lines.Unacked + total(lines.Dropped) + uploads.Unacked + total(uploads.Dropped) - l.voidDoubles()
}

// voidDoubles finds jobs that a process put back and could not acknowledge any more: of
// those with the same content only the last is valid, or the content would be gone when
// the others come. It returns how many are not.
func (l *lane) voidDoubles() int64 {
	log := l.spool.Uploads
	newest := map[string]uint64{} // by the name of the content
	for from := log.Next(); ; {
		var err error
		l.jobs, err = log.Read(l.jobs[:0], from, jobsAtOnce, jobBytesAtOnce)
		if err != nil || len(l.jobs) == 0 {
			return int64(len(l.void)) // what cannot be read now is met again by the lane
		}
		for i := range l.jobs {
			r := &l.jobs[i]
			from = r.Seq + 1
			u, err := spool.ParseUpload(r.Data)
			if err != nil || r.Kind != seglog.Attachment {
				continue
			}
			if before, ok := newest[u.Blob]; ok {
				l.void[before] = struct{}{}
			}
			newest[u.Blob] = r.Seq
		}
	}
}

// onDisk reports whether the disk takes what is appended.
func (l *lane) onDisk() bool {
	if inMemory(l.spool) {
		return false
	}
	lines, uploads := l.spool.Lines.State(), l.spool.Uploads.State()
	return lines.Err == nil && uploads.Err == nil && !lines.Full && !uploads.Full
}

// wake makes both goroutines look at what is due.
func (l *lane) wake() {
	signal(l.wakeLines)
	signal(l.wakeUploads)
}

// eager reports whether somebody waits for everything to be sent.
func (l *lane) eager() bool { return l.urgent || l.sink.eager.Load() > 0 }

// appended returns the last numbers given out.
func (l *lane) appended() (lines, uploads uint64) {
	return l.spool.Lines.State().Appended, l.spool.Uploads.State().Appended
}

// drained waits until everything that is in the lane has an outcome.
func (l *lane) drained(ctx context.Context) error {
	_, uploads := l.appended()
	for {
		before := l.moves()
		if err := l.uploaded(ctx, uploads); err != nil {
			return err
		}
		// Now the lines of all uploads are among the others.
		lines, _ := l.appended()
		if err := l.spool.Lines.WaitAcked(ctx, lines); err != nil {
			return err
		}
		if l.moves() == before {
			return nil
		}
		_, uploads = l.appended()
	}
}

func (l *lane) moves() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moved
}

// uploaded waits until the jobs up to seq have an outcome or a line of their own,
// under whatever number they are now.
func (l *lane) uploaded(ctx context.Context, seq uint64) error {
	for {
		open, ok := l.open(seq)
		if !ok {
			return nil
		}
		if err := l.spool.Uploads.WaitAcked(ctx, open); err != nil {
			return err
		}
	}
}

// open returns the number of a job that was appended up to seq and has no outcome.
func (l *lane) open(seq uint64) (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.spool.Uploads.Next()
	if next <= seq {
		return seq, true
	}
	for job, first := range l.born {
		switch {
		case job < next:
			delete(l.born, job) // dropped
		case first <= seq:
			return job, true
		}
	}
	return 0, false
}

// acknowledge acknowledges the records of a log up to a number, and counts those that
// had not been dropped before. Who waits for the acknowledgement and then takes mu finds
// them counted.
func (l *lane) acknowledge(log *seglog.Log, to uint64, count outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := ack(log, to)
	l.sink.count(func(a *Account) { count(a, n) })
}

// ack acknowledges the records of a log up to a number and returns how many of them
// had not been dropped before; nobody else acknowledges records of this log.
func ack(log *seglog.Log, to uint64) int64 {
	before := acked(log.State())
	log.Ack(to)
	return acked(log.State()) - before
}

// acked counts the numbers that were acknowledged, up to a constant of the log.
func acked(s seglog.State) int64 { return int64(s.Appended) - s.Unacked - total(s.Dropped) }

// stage notes what a goroutine waits for, for the watchdog.
type stage struct {
	mu    sync.Mutex
	since time.Time // guarded by mu; zero if it is at nothing
}

func (s *stage) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
}

func (s *stage) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Time{}
}

func (s *stage) begun() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}
