package delivery

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"

	"github.com/google/uuid"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/transport"
)

const (
	// largeBytes is the longest line that is posted; longer ones are uploaded. Every
	// client of the Maxim log protocol draws the line here.
	largeBytes = 900_000
	// largeTries is how often in a row the upload of a large line may fail before it
	// gives up its place among the lines.
	largeTries = 3

	largeMIME = "text/plain"
)

func isLarge(r *seglog.Record) bool { return len(r.Data) > largeBytes }

// largeLine is how far the large line at the head of the lines has come.
type largeLine struct {
	id       uuid.UUID
	stored   bool
	failures int
	refused  bool
}

// largeID names a large line. It follows from the record's number, so that an upload
// which is repeated, by whatever process, replaces the one before.
func largeID(r *seglog.Record) uuid.UUID {
	return uuid.NewSHA1(uuid.UUID(r.Origin), binary.BigEndian.AppendUint64(nil, r.Seq))
}

func (s *Sink) largeKey(id uuid.UUID) string { return s.cfg.Repository + "/large-logs/" + id.String() }

// largeStub returns the line that stands for a large one, in docs/wire.md.
func (s *Sink) largeStub(id uuid.UUID) []byte {
	e := wire.NewEncoder()
	defer e.Release()
	e.Begin(protocol.LargeLogEntity, id.String(), protocol.ProcessLargeLog.String())
	e.String("key", s.largeKey(id))
	return e.Finish()
}

// sendLarge brings a large line a step further: it uploads it, and then posts the line
// that stands for it, under the same number.
func (l *lane) sendLarge(ctx context.Context, r seglog.Record) {
	if id := largeID(&r); l.large.id != id {
		l.large = largeLine{id: id}
	}
	if !l.large.stored && !l.storeLarge(ctx, r) {
		return
	}
	r.Data = l.sink.largeStub(l.large.id)
	l.flights[0].settle(ctx, []seglog.Record{r}, nil)
}

// storeLarge makes one attempt to upload a large line and returns whether that went
// well.
func (l *lane) storeLarge(ctx context.Context, r seglog.Record) bool {
	p, ok := l.sink.gate.enter(ctx)
	if !ok {
		return false
	}
	err := l.put(ctx, &l.flights[0].sending, transport.File{
		Key: l.sink.largeKey(l.large.id), MIME: largeMIME, Size: int64(len(r.Data)), Open: opener(r.Data),
	})
	what := remedyFor(err)
	l.sink.passed(ctx, p, 1, what, err)
	l.sink.gate.leave(p)
	switch {
	case what == settled:
		l.large.stored = true
	case ctx.Err() != nil:
	case what == divide || what == shrink:
		l.refusedLarge(ctx, r, err)
	default:
		if l.large.failures++; l.large.failures >= largeTries {
			l.moveLarge(ctx, r)
		}
	}
	return l.large.stored
}

// refusedLarge sees to a large line that the server refuses to store.
func (l *lane) refusedLarge(ctx context.Context, r seglog.Record, refusal error) {
	switch {
	case !l.large.refused:
		l.large.refused = true
		sleep(ctx, confirmAfter, nil)
	case l.sink.breaker.condemn():
		l.bury(l.spool.Lines, r, refusal)
	default:
		l.sink.failing(1, errTooMany)
		l.sink.gate.shut(errTooMany)
	}
}

// moveLarge makes a large line a job of the uploads, so that a dead storage host does
// not hold up the lines behind it. Where it does not fit there, it stays.
func (l *lane) moveLarge(ctx context.Context, r seglog.Record) {
	l.large.failures = 0
	job := spool.AppendUpload(nil, &spool.Upload{
		Blob: hex.EncodeToString(l.large.id[:]), Size: int64(len(r.Data)), MIME: largeMIME, Key: l.sink.largeKey(l.large.id), Line: r.Data,
	})
	l.move(ctx, move{
		from: l.spool.Lines, upTo: r.Seq, to: l.spool.Uploads,
		items: []seglog.Item{{Kind: seglog.LargeLine, Lane: r.Lane, Data: job}},
		done:  func(uint64) { l.moved++ },
	})
}

// opener returns the Open of a file whose content is in memory.
func opener(content []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}
