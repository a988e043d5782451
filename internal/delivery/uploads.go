package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/transport"
)

const (
	// jobsAtOnce and jobBytesAtOnce limit the jobs that are in memory.
	jobsAtOnce     = 64
	jobBytesAtOnce = 1 << 20
	// maxDeferredScan limits how many deferred jobs nextJob skips while looking for one that is
	// due.
	maxDeferredScan = 1024

	// maxUploadFailures is the number of uploads that may fail in a row before all uploads of the
	// drainer wait.
	maxUploadFailures = 3
	// maxDelay is the longest time for which a job is deferred. A longer one means that the wall
	// clock was set back.
	maxDelay = 5 * time.Minute
)

// runUploads uploads the jobs that are due, until ctx ends. Unlike lines, jobs have no order: one
// that fails is deferred, and the others go on. While the throttle has a firm wait no job is tried,
// because the same server hands out the upload URLs.
func (d *drainer) runUploads(ctx context.Context) {
	rush := uint64(0) // jobs up to this number are due, however long they were deferred
	for ctx.Err() == nil {
		select {
		case <-d.wakeUploads:
			rush = d.spool.Uploads.State().Appended
		case <-d.gcWanted:
			d.gc()
		default:
		}
		d.removeDone(blobGrace)
		if left := time.Until(d.firmUntil); left > 0 {
			if d.waitForUploads(ctx, left, false, d.lastTry) {
				d.firmUntil = time.Time{}
				rush = d.spool.Uploads.State().Appended
			}
			continue
		}
		job, wait := d.nextJob(ctx, rush)
		if job != nil {
			wait = d.attemptUpload(ctx, *job)
		}
		if wait > 0 && d.waitForUploads(ctx, wait, job == nil, d.wakeUploads) {
			rush = d.spool.Uploads.State().Appended
		}
	}
}

// waitForUploads waits for the given time. It returns true if wake, which a flush or Close signals,
// asks for an attempt at once. New jobs end the wait only if none is left to do: while an upload
// fails, another attempt would not help them.
func (d *drainer) waitForUploads(ctx context.Context, wait time.Duration, none bool, wake <-chan struct{}) bool {
	changed := d.spool.Uploads.Changed()
	if !none {
		changed = nil
	}
	if len(d.done) > 0 && none {
		wait = min(wait, blobGrace)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-changed:
		case <-wake:
			return true
		case <-d.gcWanted:
			d.gc()
			continue
		}
		return false
	}
}

// nextJob returns the oldest job if it is due. If a later one is due instead, it moves the jobs
// before that one to the end of the log. If none is due it returns nil and the time to wait.
func (d *drainer) nextJob(ctx context.Context, rush uint64) (*seglog.Record, time.Duration) {
	wait := idle
	var deferred []seglog.Item // the leading jobs, which are not due
	last := uint64(0)          // number of the last of them
	for from := d.spool.Uploads.Next(); ; {
		var err error
		d.jobs, err = d.spool.Uploads.Read(d.jobs[:0], from, jobsAtOnce, jobBytesAtOnce)
		if err != nil {
			return nil, time.Second
		}
		if len(d.jobs) == 0 || len(deferred) >= maxDeferredScan {
			return nil, wait
		}
		for i := range d.jobs {
			r := &d.jobs[i]
			left := d.delay(r, rush)
			switch {
			case left <= 0 && len(deferred) == 0:
				return r, 0
			case left <= 0:
				return nil, d.deferJobs(ctx, last, deferred)
			}
			wait = min(wait, left)
			deferred = append(deferred, seglog.Item{Kind: r.Kind, Data: bytes.Clone(r.Data), Cost: d.memoryOf(r)})
			last = r.Seq
		}
		from = last + 1
	}
}

// delay returns how long a job is still deferred. A job that is superseded or damaged is not
// deferred, so that it leaves the log.
func (d *drainer) delay(r *seglog.Record, rush uint64) time.Duration {
	if r.Seq <= rush || d.isSuperseded(r.Seq) {
		return 0
	}
	u, err := spool.ParseUpload(r.Data)
	if err != nil || u.After.IsZero() {
		return 0
	}
	if left := time.Until(u.After); left <= maxDelay {
		return left
	}
	return 0
}

// memoryOf returns the bytes of memory of a job in addition to its record.
func (d *drainer) memoryOf(r *seglog.Record) int64 {
	if r.Kind != seglog.Attachment || !inMemory(d.spool) {
		return 0
	}
	u, err := spool.ParseUpload(r.Data)
	if err != nil {
		return 0
	}
	return u.Size
}

// isSuperseded reports whether a later copy of a job has replaced it.
func (d *drainer) isSuperseded(seq uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.superseded[seq]
	return ok
}

// deferJobs moves the oldest jobs, up to a number, to the end of the log. If that fails it returns
// the time to wait.
func (d *drainer) deferJobs(ctx context.Context, upTo uint64, items []seglog.Item) time.Duration {
	moved := d.move(ctx, move{
		from: d.spool.Uploads, upTo: upTo, to: d.spool.Uploads, items: items,
		done: func(last uint64) {
			for i := range uint64(len(items)) {
				d.renumber(upTo-i, last-i)
			}
		},
	})
	if !moved {
		return time.Second
	}
	return 0
}

// renumber records the new number of a job. Callers must hold mu.
func (d *drainer) renumber(from, to uint64) {
	first, ok := d.baseSeq[from]
	if !ok {
		first = from
	}
	delete(d.baseSeq, from)
	d.baseSeq[to] = first
	if d.refused[from] {
		delete(d.refused, from)
		d.refused[to] = true
	}
}

// attemptUpload makes one attempt at a job and returns the time to wait before the next job.
func (d *drainer) attemptUpload(ctx context.Context, r seglog.Record) time.Duration {
	if d.isSuperseded(r.Seq) {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.superseded, r.Seq)
		ack(d.spool.Uploads, r.Seq) // not counted: the copy is the entry
		return 0
	}
	if wait := d.dest.throttle.firmWait(); wait > 0 {
		return min(wait, time.Second) // the attempt after a firm wait belongs to the lines
	}
	select {
	case <-d.lastTry: // this attempt is the one that was asked for
	default:
	}
	u, err := spool.ParseUpload(r.Data)
	if err != nil {
		d.deadLetter(d.spool.Uploads, r, err)
		return 0
	}
	c := content{drainer: d, upload: &u, kind: r.Kind}
	err = d.uploadFile(ctx, &d.uploading, transport.File{Key: u.Key, MIME: u.MIME, Size: u.Size, Open: c.open})
	switch {
	case err == nil:
		return d.uploadSucceeded(ctx, r, &u)
	case ctx.Err() != nil:
		return 0
	case c.gone() != nil:
		d.deadLetter(d.spool.Uploads, r, c.gone())
		return 0
	}
	return d.uploadFailed(ctx, r, &u, err)
}

// uploadFile makes one attempt to upload a file, and records it for the watchdog and in the
// counters.
func (d *drainer) uploadFile(ctx context.Context, a *activity, f transport.File) error {
	a.begin()
	defer a.end()
	err := d.dest.call(func(b transport.Backend) error { return b.Upload(ctx, f) })
	if err == nil {
		d.dest.count(func(c *Counters) {
			c.Sent.Uploads++
			c.Sent.UploadBytes += f.Size
		})
	}
	return err
}

// uploadSucceeded appends the line of a job to the entry log; the entry is delivered with it. The
// content is removed later, see blobGrace.
func (d *drainer) uploadSucceeded(ctx context.Context, r seglog.Record, u *spool.Upload) time.Duration {
	if d.uploadFailures.succeeded() {
		d.dest.reportRecovered()
	}
	line := bytes.Clone(u.Line)
	if r.Kind == seglog.LargeLine {
		if id, err := uuid.Parse(u.Blob); err == nil {
			line = d.dest.largeStub(id)
		}
	}
	moved := d.move(ctx, move{
		from: d.spool.Uploads, upTo: r.Seq, to: d.spool.Lines,
		items: []seglog.Item{{Kind: seglog.Line, Data: line}},
		done:  func(uint64) { delete(d.baseSeq, r.Seq) },
	})
	if !moved {
		return time.Second
	}
	delete(d.refused, r.Seq)
	if r.Kind == seglog.Attachment {
		d.done = append(d.done, doneBlob{u.Blob, time.Now()})
	}
	return 0
}

// uploadFailed decides about a job whose upload failed: it is tried again after the others, or
// becomes a dead letter if the server has rejected it twice.
func (d *drainer) uploadFailed(ctx context.Context, r seglog.Record, u *spool.Upload, err error) time.Duration {
	action, delay, rest := actionFor(err), confirmAfter, time.Duration(0)
	switch action {
	case split, splitSmaller:
		if d.refused[r.Seq] {
			return d.uploadRejected(r, err)
		}
		d.refused[r.Seq] = true
	default:
		delay = waitFor(err, retry, u.Attempt)
		if before := d.uploadFailures.failed(err); before >= maxUploadFailures {
			rest = transport.Backoff(before-maxUploadFailures, 0, rand.Float64)
		}
	}
	d.dest.reportFailing(1, err)
	if isFirm(err, action) {
		rest = 0
		d.firmUntil = time.Now().Add(waitFor(err, action, u.Attempt))
	}
	u.Attempt++
	u.After = time.Now().Add(delay)
	moved := d.move(ctx, move{
		from: d.spool.Uploads, upTo: r.Seq, to: d.spool.Uploads,
		items: []seglog.Item{{Kind: r.Kind, Lane: r.Lane, Data: spool.AppendUpload(nil, u), Cost: d.memoryOf(&r)}},
		done:  func(last uint64) { d.renumber(r.Seq, last) },
	})
	if !moved {
		rest = max(rest, delay)
	}
	return rest
}

// uploadRejected makes a dead letter of a job that the server has rejected twice, unless the
// breaker blames the server.
func (d *drainer) uploadRejected(r seglog.Record, err error) time.Duration {
	if !d.dest.breaker.allow() {
		d.dest.reportFailing(1, errTooMany)
		d.firmUntil = time.Now().Add(transport.Pause)
		return 0
	}
	delete(d.refused, r.Seq)
	d.deadLetter(d.spool.Uploads, r, err)
	return 0
}

// content is the content of a job.
type content struct {
	drainer *drainer
	upload  *spool.Upload
	kind    seglog.Kind

	mu   sync.Mutex
	lost error // guarded by mu; why the content cannot be uploaded, now or later; nil if it can
}

// gone returns the reason why the content is lost for good, or nil.
func (c *content) gone() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// errSize is the reason if a blob has changed since it was put into the spool.
var errSize = errors.New("delivery: the content of an attachment has not the length it had in the call")

// open is the Open of a transport.File. The Backend calls it on any goroutine.
func (c *content) open() (io.ReadCloser, error) {
	if c.kind == seglog.LargeLine {
		return opener(c.upload.Line)()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	blob, err := c.drainer.spool.OpenBlob(c.upload.Blob)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, spool.ErrDamaged):
		c.lost = fmt.Errorf("delivery: the content of an attachment is lost: %w", err)
	case err == nil && blob.Size() != c.upload.Size:
		c.lost, err = errSize, errors.Join(errSize, blob.Close())
	}
	if err != nil {
		return nil, err
	}
	return blob, nil
}
