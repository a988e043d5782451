package delivery

import (
	"context"
	"errors"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/transport"
)

// refusedError is the cause of a dead letter that the server rejected while it accepted other
// lines of the same batch.
type refusedError struct {
	answer *transport.Error
	reason string
}

// Error implements error.
func (e *refusedError) Error() string {
	reason := e.reason
	if reason == "" {
		reason = "it gives no reason"
	}
	return "the server accepted the batch but rejected this line: " + reason
}

// Unwrap returns the answer.
func (e *refusedError) Unwrap() error { return e.answer }

// siftable reports whether it is known which records the server rejected: all are named, or
// there is only one record.
func siftable(records []seglog.Record, rejection error) bool {
	answer, ok := errors.AsType[*transport.Error](rejection)
	return ok && (answer.Unlisted == 0 || len(records) == 1)
}

// sift gives each record of a siftable rejection its outcome: lines that the server named become
// dead letters with its reasons, all others are delivered. A named line is not tried again, and the
// breaker is not asked: a server that accepts the rest is believed. It returns false if ctx ended
// halfway; the remaining records are sent again.
func (b *batchSender) sift(ctx context.Context, records []seglog.Record, rejection error) (dead int, ok bool) {
	d := b.drainer
	answer, _ := errors.AsType[*transport.Error](rejection)
	reasons := make(map[int]string, len(answer.Refused))
	for _, line := range answer.Refused {
		reasons[line.Line] = line.Reason
	}
	if answer.Unlisted > 0 {
		reasons[0] = "" // the only one
	}
	var good, bad []seglog.Record
	var causes []error
	for i, r := range records {
		if reason, refused := reasons[i]; refused {
			bad = append(bad, r)
			causes = append(causes, &refusedError{answer, reason})
		} else {
			good = append(good, r)
		}
	}
	if len(good) > 0 {
		d.dest.count(func(c *Counters) { c.Sent.batch(len(good), bytesOf(good)) })
		d.growBatches()
		d.delivered(good)
	}
	for i, r := range bad {
		if ctx.Err() != nil {
			return i, false
		}
		d.deadLetter(d.spool.Lines, r, causes[i])
	}
	return len(bad), true
}
