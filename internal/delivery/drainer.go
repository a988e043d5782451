package delivery

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

// drainer empties one slot: this process's, or an ownerless one. Two goroutines own it: runLines
// reads the entry log, runUploads the upload log. A record of the upload log is called a job.
type drainer struct {
	dest   *Destination
	spool  *spool.Spool
	urgent bool // everything is due at once; immutable

	wakeLines   chan struct{} // capacity 1
	wakeUploads chan struct{} // capacity 1
	gcWanted    chan struct{} // capacity 1
	lastTry     chan struct{} // capacity 1; ends a firm wait of the uploads
	collected   atomic.Int64  // droppedCount when gc last found everything removed

	uploading      activity // of the Backend with an upload; each batchSender has its own
	uploadFailures failure  // of runUploads

	// Owned by the goroutine of runLines.
	records []seglog.Record // last read
	seen    time.Time       // when lines were first seen waiting since the last batch
	senders []*batchSender
	large   largeLine

	// Owned by the goroutine of runUploads.
	jobs      []seglog.Record // last read
	refused   map[uint64]bool // jobs that the server has rejected once
	done      []doneBlob      // oldest first
	firmUntil time.Time       // no upload begins before; see isFirm

	mu sync.Mutex
	// baseSeq maps the number of a job that was appended again to its first number; guarded by mu.
	baseSeq map[uint64]uint64
	// superseded holds the jobs that a later copy has replaced; guarded by mu.
	superseded      map[uint64]struct{}
	moved           int          // guarded by mu; number of large lines that became jobs
	limit           int          // guarded by mu; bytes of a batch
	ackedOutOfOrder []ackedRange // guarded by mu; sorted by number
}

// newDrainer returns a drainer for a slot. Its goroutines must be started by the caller, after
// countRecovered.
func newDrainer(s *Destination, sp *spool.Spool) *drainer {
	d := &drainer{
		dest: s, spool: sp, limit: s.cfg.BatchBytes,
		wakeLines: make(chan struct{}, 1), wakeUploads: make(chan struct{}, 1),
		gcWanted: make(chan struct{}, 1), lastTry: make(chan struct{}, 1),
		refused: map[uint64]bool{}, baseSeq: map[uint64]uint64{}, superseded: map[uint64]struct{}{},
	}
	for range s.cfg.InFlight {
		d.senders = append(d.senders, &batchSender{drainer: d})
	}
	return d
}

// batchSize returns the largest number of bytes in a batch.
func (d *drainer) batchSize() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.limit
}

// growBatches makes batches larger after one that was accepted, up to BatchBytes.
func (d *drainer) growBatches() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = min(d.limit+d.limit/8, d.dest.cfg.BatchBytes)
}

// shrinkBatches makes batches smaller after a body that was too large.
func (d *drainer) shrinkBatches(body int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = min(d.limit, max(minBatchBytes, body/2))
}

// sending returns when the oldest call of Send that is under way began, or zero.
func (d *drainer) sending() (since time.Time) {
	for _, b := range d.senders {
		since = earlier(since, b.sending.begun())
	}
	return since
}

// countRecovered returns how many entries were in the slot when it was opened, including
// those that have been dropped since. It must be called before the goroutines start.
func (d *drainer) countRecovered() int64 {
	lines, uploads := d.spool.Lines.State(), d.spool.Uploads.State()
	return lines.Unacked + total(lines.Dropped) + uploads.Unacked + total(uploads.Dropped) - d.findSuperseded()
}

// findSuperseded finds the jobs that a process appended again and had no time to acknowledge.
// Of jobs with the same content only the last is valid: the first that succeeds would remove the
// content. It returns the number of superseded jobs.
func (d *drainer) findSuperseded() int64 {
	log := d.spool.Uploads
	newest := map[string]uint64{} // by the name of the content
	for from := log.Next(); ; {
		var err error
		d.jobs, err = log.Read(d.jobs[:0], from, jobsAtOnce, jobBytesAtOnce)
		if err != nil || len(d.jobs) == 0 {
			return int64(len(d.superseded)) // runUploads will meet a read error again, and report it
		}
		for i := range d.jobs {
			r := &d.jobs[i]
			from = r.Seq + 1
			u, err := spool.ParseUpload(r.Data)
			if err != nil || r.Kind != seglog.Attachment {
				continue
			}
			if before, ok := newest[u.Blob]; ok {
				d.superseded[before] = struct{}{}
			}
			newest[u.Blob] = r.Seq
		}
	}
}

// onDisk reports whether the disk takes new records.
func (d *drainer) onDisk() bool {
	if inMemory(d.spool) {
		return false
	}
	lines, uploads := d.spool.Lines.State(), d.spool.Uploads.State()
	return lines.Err == nil && uploads.Err == nil && !lines.Full && !uploads.Full
}

// wake makes both goroutines check for due records.
func (d *drainer) wake() {
	signal(d.wakeLines)
	signal(d.wakeUploads)
}

// flushing reports whether records are due whatever their age.
func (d *drainer) flushing() bool { return d.urgent || d.dest.flushing.Load() > 0 }

// appended returns the last numbers that were assigned.
func (d *drainer) appended() (lines, uploads uint64) {
	return d.spool.Lines.State().Appended, d.spool.Uploads.State().Appended
}

// waitDrained waits until all entries in the slot have an outcome. Jobs come first, because
// their lines join the others. Lines can become jobs too, so it starts again if one has.
func (d *drainer) waitDrained(ctx context.Context) error {
	_, uploads := d.appended()
	for {
		before := d.moves()
		if err := d.waitUploads(ctx, uploads); err != nil {
			return err
		}
		lines, _ := d.appended()
		if err := d.spool.Lines.WaitAcked(ctx, lines); err != nil {
			return err
		}
		if d.moves() == before {
			return nil
		}
		_, uploads = d.appended()
	}
}

// moves returns the number of large lines that became jobs.
func (d *drainer) moves() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.moved
}

// waitUploads waits until the jobs up to seq have an outcome or have become lines, whatever their
// numbers are by now.
func (d *drainer) waitUploads(ctx context.Context, seq uint64) error {
	for {
		open, ok := d.openJob(seq)
		if !ok {
			return nil
		}
		if err := d.spool.Uploads.WaitAcked(ctx, open); err != nil {
			return err
		}
	}
}

// openJob returns the present number of a job that was first appended up to seq and has no
// outcome, if there is one.
func (d *drainer) openJob(seq uint64) (uint64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.spool.Uploads.Next()
	if next <= seq {
		return seq, true
	}
	for job, first := range d.baseSeq {
		switch {
		case job < next:
			delete(d.baseSeq, job) // it was dropped
		case first <= seq:
			return job, true
		}
	}
	return 0, false
}
