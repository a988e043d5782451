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
	jobsAtOnce     = 64
	jobBytesAtOnce = 1 << 20
	// mostLate is how many jobs that are put off nextJob looks behind for one that is not.
	mostLate = 1024

	// patience is how many uploads in a row may fail, whatever they are, before the
	// lane waits as a whole.
	patience = 3
	// longestDelay is the longest time that a job can be put off: what is more comes of
	// a clock that was set.
	longestDelay = 5 * time.Minute
)

// runUploads uploads what is due until ctx ends.
func (l *lane) runUploads(ctx context.Context) {
	rush := uint64(0) // jobs up to it are due whenever they were put off to
	for ctx.Err() == nil {
		select {
		case <-l.wakeUploads:
			rush = l.spool.Uploads.State().Appended
		case <-l.tidyUploads:
			l.tidy()
		default:
		}
		l.sweep(blobGrace)
		if left := time.Until(l.firmUntil); left > 0 {
			if l.restUploads(ctx, left, false, l.lastTry) {
				l.firmUntil = time.Time{}
				rush = l.spool.Uploads.State().Appended
			}
			continue
		}
		job, wait := l.nextJob(ctx, rush)
		if job != nil {
			wait = l.attemptUpload(ctx, *job)
		}
		if wait > 0 && l.restUploads(ctx, wait, job == nil, l.wakeUploads) {
			rush = l.spool.Uploads.State().Appended
		}
	}
}

// restUploads waits, and returns true if wake, which a flush or Close signals, asks for
// an attempt at once. New jobs end the wait only where there is none to do.
func (l *lane) restUploads(ctx context.Context, d time.Duration, none bool, wake <-chan struct{}) bool {
	changed := l.spool.Uploads.Changed()
	if !none {
		changed = nil
	}
	if len(l.spent) > 0 && none {
		d = min(d, blobGrace)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-changed:
		case <-wake:
			return true
		case <-l.tidyUploads:
			l.tidy()
			continue
		}
		return false
	}
}

// nextJob returns the oldest job if it is due. If it is not and another is, those in
// front of that one go to the end. It returns nil and how long to wait where no job is
// due.
func (l *lane) nextJob(ctx context.Context, rush uint64) (*seglog.Record, time.Duration) {
	wait := idle
	var late []seglog.Item // not due, with the number of the last
	last := uint64(0)
	for from := l.spool.Uploads.Next(); ; {
		var err error
		l.jobs, err = l.spool.Uploads.Read(l.jobs[:0], from, jobsAtOnce, jobBytesAtOnce)
		if err != nil {
			return nil, time.Second
		}
		if len(l.jobs) == 0 || len(late) >= mostLate {
			return nil, wait
		}
		for i := range l.jobs {
			r := &l.jobs[i]
			left := l.delay(r, rush)
			switch {
			case left <= 0 && len(late) == 0:
				return r, 0
			case left <= 0:
				return nil, l.putBack(ctx, last, late)
			}
			wait = min(wait, left)
			late = append(late, seglog.Item{Kind: r.Kind, Data: bytes.Clone(r.Data), Cost: l.held(r)})
			last = r.Seq
		}
		from = last + 1
	}
}

// delay returns how long a job is put off. A job that is void or damaged is not.
func (l *lane) delay(r *seglog.Record, rush uint64) time.Duration {
	if r.Seq <= rush || l.isVoid(r.Seq) {
		return 0
	}
	u, err := spool.ParseUpload(r.Data)
	if err != nil || u.After.IsZero() {
		return 0
	}
	if left := time.Until(u.After); left <= longestDelay {
		return left
	}
	return 0
}

// held returns how many bytes of memory a job holds beside its record.
func (l *lane) held(r *seglog.Record) int64 {
	if r.Kind != seglog.Attachment || !inMemory(l.spool) {
		return 0
	}
	u, err := spool.ParseUpload(r.Data)
	if err != nil {
		return 0
	}
	return u.Size
}

func (l *lane) isVoid(seq uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.void[seq]
	return ok
}

// putBack puts the oldest jobs, up to a number, to the end. It returns how long to wait
// if that cannot be done.
func (l *lane) putBack(ctx context.Context, upTo uint64, items []seglog.Item) time.Duration {
	moved := l.move(ctx, move{
		from: l.spool.Uploads, upTo: upTo, to: l.spool.Uploads, items: items,
		done: func(last uint64) {
			for i := range uint64(len(items)) {
				l.renumber(upTo-i, last-i)
			}
		},
	})
	if !moved {
		return time.Second
	}
	return 0
}

// renumber notes the new number of a job. It needs mu.
func (l *lane) renumber(from, to uint64) {
	first, ok := l.born[from]
	if !ok {
		first = from
	}
	delete(l.born, from)
	l.born[to] = first
	if l.refused[from] {
		delete(l.refused, from)
		l.refused[to] = true
	}
}

// attemptUpload makes one attempt at a job and returns how long to wait before the next job.
func (l *lane) attemptUpload(ctx context.Context, r seglog.Record) time.Duration {
	if l.isVoid(r.Seq) {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.void, r.Seq)
		ack(l.spool.Uploads, r.Seq) // its entry is another job
		return 0
	}
	if wait := l.sink.gate.firmly(); wait > 0 {
		return min(wait, time.Second) // lines ask whether the server takes anything at all
	}
	select {
	case <-l.lastTry: // this attempt is the one that was asked for
	default:
	}
	u, err := spool.ParseUpload(r.Data)
	if err != nil {
		l.bury(l.spool.Uploads, r, err)
		return 0
	}
	c := content{lane: l, upload: &u, kind: r.Kind}
	err = l.put(ctx, &l.uploading, transport.File{Key: u.Key, MIME: u.MIME, Size: u.Size, Open: c.open})
	switch {
	case err == nil:
		return l.stored(ctx, r, &u)
	case ctx.Err() != nil:
		return 0
	case c.gone() != nil:
		l.bury(l.spool.Uploads, r, c.gone())
		return 0
	}
	return l.unstored(ctx, r, &u, err)
}

// put makes one attempt to upload a file.
func (l *lane) put(ctx context.Context, s *stage, f transport.File) error {
	s.begin()
	defer s.end()
	err := l.sink.contained(func(b transport.Backend) error { return b.Upload(ctx, f) })
	if err == nil {
		l.sink.count(func(a *Account) {
			a.Sent.Uploads++
			a.Sent.UploadBytes += f.Size
		})
	}
	return err
}

// stored puts the line of a job among the lines.
func (l *lane) stored(ctx context.Context, r seglog.Record, u *spool.Upload) time.Duration {
	if l.upload.succeeded() {
		l.sink.recovered()
	}
	line := bytes.Clone(u.Line)
	if r.Kind == seglog.LargeLine {
		if id, err := uuid.Parse(u.Blob); err == nil {
			line = l.sink.largeStub(id)
		}
	}
	moved := l.move(ctx, move{
		from: l.spool.Uploads, upTo: r.Seq, to: l.spool.Lines,
		items: []seglog.Item{{Kind: seglog.Line, Data: line}},
		done:  func(uint64) { delete(l.born, r.Seq) },
	})
	if !moved {
		return time.Second
	}
	delete(l.refused, r.Seq)
	if r.Kind == seglog.Attachment {
		l.spent = append(l.spent, spentBlob{u.Blob, time.Now()})
	}
	return 0
}

// unstored sees to a job whose upload failed: it is tried again behind the others, or
// becomes a dead letter when the server refused it twice.
func (l *lane) unstored(ctx context.Context, r seglog.Record, u *spool.Upload, err error) time.Duration {
	what, delay, rest := remedyFor(err), confirmAfter, time.Duration(0)
	switch what {
	case divide, shrink:
		if l.refused[r.Seq] {
			return l.rejected(r, err)
		}
		l.refused[r.Seq] = true
	default:
		delay = waitFor(err, again, u.Attempt)
		if before := l.upload.failed(err); before >= patience {
			rest = transport.Backoff(before-patience, 0, rand.Float64)
		}
	}
	l.sink.failing(1, err)
	if isFirm(err, what) {
		rest = 0
		l.firmUntil = time.Now().Add(waitFor(err, what, u.Attempt))
	}
	u.Attempt++
	u.After = time.Now().Add(delay)
	moved := l.move(ctx, move{
		from: l.spool.Uploads, upTo: r.Seq, to: l.spool.Uploads,
		items: []seglog.Item{{Kind: r.Kind, Lane: r.Lane, Data: spool.AppendUpload(nil, u), Cost: l.held(&r)}},
		done:  func(last uint64) { l.renumber(r.Seq, last) },
	})
	if !moved {
		rest = max(rest, delay)
	}
	return rest
}

// rejected sees to a job that the server refused twice.
func (l *lane) rejected(r seglog.Record, err error) time.Duration {
	if !l.sink.breaker.condemn() {
		l.sink.failing(1, errTooMany)
		l.firmUntil = time.Now().Add(transport.Pause)
		return 0
	}
	delete(l.refused, r.Seq)
	l.bury(l.spool.Uploads, r, err)
	return 0
}

// content is what a job uploads.
type content struct {
	lane   *lane
	upload *spool.Upload
	kind   seglog.Kind

	mu   sync.Mutex
	lost error // guarded by mu; why there is nothing to upload, now and later
}

func (c *content) gone() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// errSize is why a blob is not what was put into the spool.
var errSize = errors.New("delivery: the content has another length than it had in the spool")

// open is the Open of a transport.File.
func (c *content) open() (io.ReadCloser, error) {
	if c.kind == seglog.LargeLine {
		return opener(c.upload.Line)()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	blob, err := c.lane.spool.OpenBlob(c.upload.Blob)
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
