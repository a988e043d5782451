package delivery

import "time"

const (
	// blobGrace is how long a blob outlives its job, so that the acknowledgement of the
	// job is on disk before the blob goes.
	blobGrace = time.Second
	// tidyEvery is how often the blobs of records that were dropped are looked for.
	tidyEvery = time.Minute
	// tidyGrace is how long a blob is there before its record, at most.
	tidyGrace = 10 * time.Minute
)

// spentBlob is a blob that nobody needs.
type spentBlob struct {
	name string
	at   time.Time // when its job was done
}

// sweep removes the blobs whose jobs were done so long ago that this is on disk.
func (l *lane) sweep(grace time.Duration) {
	if inMemory(l.spool) {
		grace = 0
	}
	for len(l.spent) > 0 && time.Since(l.spent[0].at) >= grace && l.spool.Uploads.State().Err == nil {
		_ = l.spool.RemoveBlob(l.spent[0].name) // what stays is removed when the spool is opened again
		l.spent = l.spent[1:]
	}
}

// lost counts the records and dead letters that were dropped and may have named a blob.
func (l *lane) lost() int64 { return total(l.spool.Uploads.State().Dropped) + l.spool.DeadDropped() }

// untidy asks the goroutine of the uploads to tidy up, if there may be something.
func (l *lane) untidy() {
	if l.lost() != l.tidied.Load() {
		signal(l.tidyUploads)
	}
}

// tidy removes the blobs of what was dropped.
func (l *lane) tidy() {
	lost := l.lost()
	if done, err := l.spool.RemoveUnnamed(tidyGrace); done && err == nil {
		l.tidied.Store(lost)
	}
}
