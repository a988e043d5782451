package delivery

import "time"

const (
	// blobGrace is the time by which a blob outlives its job. By then the acknowledgement of
	// the job is on disk, so that no process looks for the blob again.
	blobGrace = time.Second
	// gcEvery is the interval at which blobs of dropped records are looked for.
	gcEvery = time.Minute
	// gcGrace limits how long a blob may exist before its record. Younger blobs are not
	// collected.
	gcGrace = 10 * time.Minute
)

// doneBlob is a blob whose job is done.
type doneBlob struct {
	name string
	at   time.Time // when the job was done
}

// removeDone removes the blobs whose jobs were done at least grace ago, and stops while the disk
// fails. A blob that cannot be removed is removed when the spool is opened again.
func (d *drainer) removeDone(grace time.Duration) {
	if inMemory(d.spool) {
		grace = 0
	}
	for len(d.done) > 0 && time.Since(d.done[0].at) >= grace && d.spool.Uploads.State().Err == nil {
		_ = d.spool.RemoveBlob(d.done[0].name)
		d.done = d.done[1:]
	}
}

// droppedCount returns the number of records and dead letters that were dropped and may have
// referred to a blob.
func (d *drainer) droppedCount() int64 {
	return total(d.spool.Uploads.State().Dropped) + d.spool.DeadDropped()
}

// requestGC makes the goroutine of runUploads collect, if anything was dropped since the last
// time.
func (d *drainer) requestGC() {
	if d.droppedCount() != d.collected.Load() {
		signal(d.gcWanted)
	}
}

// gc removes the blobs of dropped records. It belongs to the goroutine of runUploads.
func (d *drainer) gc() {
	dropped := d.droppedCount() // before: a record that is dropped meanwhile needs another gc
	if done, err := d.spool.RemoveUnnamed(gcGrace); done && err == nil {
		d.collected.Store(dropped)
	}
}
