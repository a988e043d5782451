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
	// largeBytes is the length in bytes of the longest line that is sent in a batch; longer lines
	// are uploaded. Every client of the Maxim log protocol has this limit.
	largeBytes = 900_000
	// largeTries is the number of failed uploads in a row after which a large line loses its
	// place among the lines.
	largeTries = 3

	largeMIME = "text/plain"
)

// isLarge reports whether a line has to be uploaded.
func isLarge(r *seglog.Record) bool { return len(r.Data) > largeBytes }

// largeLine is the progress of the large line that is next in the log.
type largeLine struct {
	id       uuid.UUID
	stored   bool // its content is uploaded; its stub has to be sent
	failures int  // failed uploads in a row
	refused  bool // the server has rejected it once
}

// largeID returns the id of a large line. It is derived from the number of the record, so an
// upload that is repeated, by whatever process, replaces the earlier one.
func largeID(r *seglog.Record) uuid.UUID {
	return uuid.NewSHA1(uuid.UUID(r.Origin), binary.BigEndian.AppendUint64(nil, r.Seq))
}

// largeKey returns the storage key of a large line, in the form of docs/wire.md.
func (s *Destination) largeKey(id uuid.UUID) string {
	return s.cfg.Repository + "/large-logs/" + id.String()
}

// largeStub returns the line that is sent in place of a large one; see docs/internals/wire.md.
func (s *Destination) largeStub(id uuid.UUID) []byte {
	e := wire.NewEncoder()
	defer e.Release()
	e.Begin(protocol.LargeLogEntity, id.String(), protocol.ProcessLargeLog.String())
	e.String("key", s.largeKey(id))
	return e.Finish()
}

// sendLarge takes the next step with a large line: it uploads the line, and then sends the stub
// under the same number.
func (d *drainer) sendLarge(ctx context.Context, r seglog.Record) {
	if id := largeID(&r); d.large.id != id {
		d.large = largeLine{id: id}
	}
	if !d.large.stored && !d.storeLarge(ctx, r) {
		return
	}
	r.Data = d.dest.largeStub(d.large.id)
	d.senders[0].settle(ctx, []seglog.Record{r}, nil)
}

// storeLarge makes one attempt to upload a large line and reports whether it succeeded. It goes
// through the throttle like a batch, because the lines behind it wait for it.
func (d *drainer) storeLarge(ctx context.Context, r seglog.Record) bool {
	p, ok := d.dest.throttle.acquire(ctx)
	if !ok {
		return false
	}
	err := d.uploadFile(ctx, &d.senders[0].sending, transport.File{
		Key: d.dest.largeKey(d.large.id), MIME: largeMIME, Size: int64(len(r.Data)), Open: opener(r.Data),
	})
	action := actionFor(err)
	d.dest.attempted(ctx, p, 1, action, err)
	d.dest.throttle.release(p)
	switch {
	case action == accepted:
		d.large.stored = true
	case ctx.Err() != nil:
	case action == split || action == splitSmaller:
		d.refusedLarge(ctx, r, err)
	default:
		if d.large.failures++; d.large.failures >= largeTries {
			d.moveLarge(ctx, r)
		}
	}
	return d.large.stored
}

// refusedLarge decides about a large line that the server refuses to store, as deadLetterCheck
// does about others.
func (d *drainer) refusedLarge(ctx context.Context, r seglog.Record, rejection error) {
	switch {
	case !d.large.refused:
		d.large.refused = true
		sleep(ctx, confirmAfter, nil)
	case d.dest.breaker.allow():
		d.deadLetter(d.spool.Lines, r, rejection)
	default:
		d.dest.reportFailing(1, errTooMany)
		d.dest.throttle.pause(errTooMany)
	}
}

// moveLarge turns a large line into a job, so that a storage host that is down does not hold up
// the lines behind it. If it does not fit into the upload log it stays.
func (d *drainer) moveLarge(ctx context.Context, r seglog.Record) {
	d.large.failures = 0
	job := spool.AppendUpload(nil, &spool.Upload{
		Blob: hex.EncodeToString(d.large.id[:]), Size: int64(len(r.Data)), MIME: largeMIME,
		Key: d.dest.largeKey(d.large.id), Line: r.Data,
	})
	d.move(ctx, move{
		from: d.spool.Lines, upTo: r.Seq, to: d.spool.Uploads,
		items: []seglog.Item{{Kind: seglog.LargeLine, Lane: r.Lane, Data: job}},
		done:  func(uint64) { d.moved++ },
	})
}

// opener returns the Open of a transport.File whose content is in memory.
func opener(content []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}
