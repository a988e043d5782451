package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// A commit takes the waiting requests, up to these limits, so that no request waits
// long for others.
const (
	groupRequests = 256
	groupLines    = 32 << 10
)

// logTuning: blocks are read once or twice.
var logTuning = tuning{synchronous: "FULL", writeCache: 2048, readCache: 1024}

// maxSeq is the largest number of a line: SQLite has no unsigned integers.
const maxSeq = 1 << 62

// Log is a store.Log in one file.
type Log struct {
	*file
	codec    *codec
	requests chan *request
	jobs     chan func(*appender) // for the writer, besides
	stop     chan struct{}        // closed by Close, ends the writer
	stopping sync.Once            // guards closing stop
	writer   sync.WaitGroup
}

var (
	_ store.Log       = (*Log)(nil)
	_ store.Retention = (*Log)(nil)
)

// request is a call of Append, on its way to the writer.
type request struct {
	batches []sealed
	lines   int
	answer  chan answer // holds one, so that the writer never waits
}

type answer struct {
	receipts []store.Receipt
	err      error
}

// sealed is a batch that was compressed in the hope that all of it is new.
type sealed struct {
	store.Batch
	numbered bool // the caller gave a spool: numbers used before are duplicates
	chunks   []chunk
}

// OpenLog opens the log in the given file, which is created if it does not exist.
// ctx bounds the opening only. Close the log.
func OpenLog(ctx context.Context, path string) (*Log, error) {
	codec, err := newCodec()
	if err != nil {
		return nil, err
	}
	f, err := open(path, logTuning)
	if err != nil {
		return nil, err
	}
	if err := f.migrate(ctx, "log"); err != nil {
		return nil, errors.Join(err, f.close())
	}
	a, err := newAppender(ctx, f, codec)
	if err != nil {
		return nil, errors.Join(f.opening(f.fail("preparing statements", err)), f.close())
	}
	l := &Log{file: f, codec: codec, requests: make(chan *request), jobs: make(chan func(*appender)), stop: make(chan struct{})}
	l.writer.Go(func() { l.run(a) })
	return l, nil
}

// Append implements store.Log.
func (l *Log) Append(ctx context.Context, batches []store.Batch) ([]store.Receipt, error) {
	r := &request{batches: make([]sealed, len(batches)), answer: make(chan answer, 1)}
	for i, b := range batches {
		var err error
		if r.batches[i], err = l.seal(b); err != nil {
			return nil, err
		}
		r.lines += len(b.Lines)
	}
	select {
	case l.requests <- r:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, store.ErrClosed
	}
	select {
	case a := <-r.answer:
		return a.receipts, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// seal checks a batch and compresses it, on the caller's goroutine.
func (l *Log) seal(b store.Batch) (sealed, error) {
	numbered := b.Spool != protocol.Producer{}
	switch {
	case b.Repo == "":
		return sealed{}, fmt.Errorf("%w: it names no repository", store.ErrBatch)
	case numbered && (b.First < 1 || b.First > maxSeq-uint64(len(b.Lines))):
		return sealed{}, fmt.Errorf("%w: its first line has number %d", store.ErrBatch, b.First)
	case !numbered:
		b.First = 1
		rand.Read(b.Spool[:])
	}
	return sealed{b, numbered, l.codec.pack(b.Lines, b.First)}, nil
}

// run is the goroutine that owns the write connection: it commits waiting requests,
// group by group, and does jobs, until Close.
func (l *Log) run(a *appender) {
	defer a.close()
	for {
		select {
		case r := <-l.requests:
			l.commit(a, l.group(r))
		case job := <-l.jobs:
			job(a)
		case <-l.stop:
			return
		}
	}
}

// group returns first and the other waiting requests, up to the limits of a commit.
func (l *Log) group(first *request) []*request {
	group, lines := []*request{first}, first.lines
	for len(group) < groupRequests && lines < groupLines {
		select {
		case r := <-l.requests:
			group = append(group, r)
			lines += r.lines
		default:
			return group
		}
	}
	return group
}

// commit stores a group in one transaction. Nobody can cancel it: part of the
// group may have been sent by others.
func (l *Log) commit(a *appender, group []*request) {
	ctx := context.Background()
	answers := make([]answer, len(group))
	err := a.transaction(ctx, &a.file.writes.add, func() error {
		for i, r := range group {
			for _, b := range r.batches {
				receipt, err := a.append(ctx, b)
				if err != nil {
					return err
				}
				answers[i].receipts = append(answers[i].receipts, receipt)
			}
		}
		return nil
	})
	for i, r := range group {
		if err != nil {
			answers[i] = answer{err: l.fail("storing lines", err)}
		}
		r.answer <- answers[i]
	}
}

// Close implements store.Log.
func (l *Log) Close() error {
	l.stopping.Do(func() { close(l.stop) })
	l.writer.Wait()
	return l.close()
}
