package delivery

import (
	"context"
	"errors"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/transport"
)

// refusedError is why a record is a dead letter that the server refused in an answer
// which took others.
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
	return "the server took the batch but refused this line: " + reason
}

// Unwrap returns the answer.
func (e *refusedError) Unwrap() error { return e.answer }

// siftable reports whether it is known which of the records the server refused: all are
// named, or there is one only.
func siftable(records []seglog.Record, refusal error) bool {
	answer, ok := errors.AsType[*transport.Error](refusal)
	return ok && (answer.Unlisted == 0 || len(records) == 1)
}

// sift gives each record of a siftable refusal its outcome: those that the server named
// become dead letters with its reasons, and all others are delivered. A named line is not
// tried again, and however many there are, the server is believed: it took the rest. It
// returns false if ctx ended halfway; the records that are left are sent again.
func (f *flight) sift(ctx context.Context, records []seglog.Record, refusal error) (dead int, ok bool) {
	l := f.lane
	answer, _ := errors.AsType[*transport.Error](refusal)
	reasons := make(map[int]string, len(answer.Refused))
	for _, line := range answer.Refused {
		reasons[line.Line] = line.Reason
	}
	if answer.Unlisted > 0 {
		reasons[0] = "" // the only one
	}
	var good, bad []seglog.Record
	var causes []error
	for place, r := range records {
		if reason, refused := reasons[place]; refused {
			bad = append(bad, r)
			causes = append(causes, &refusedError{answer, reason})
		} else {
			good = append(good, r)
		}
	}
	if len(good) > 0 {
		l.sink.count(func(a *Account) { a.Sent.batch(len(good), bytesOf(good)) })
		l.grow()
		l.delivered(good)
	}
	for i, r := range bad {
		if ctx.Err() != nil {
			return i, false
		}
		l.bury(l.spool.Lines, r, causes[i])
	}
	return len(bad), true
}
