package logger

import (
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"

	"github.com/google/uuid"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

// httpSender delivers batches through the transport and says what the sender
// goroutine is to do about the answer.
type httpSender struct {
	http  *transport.HTTP
	spool string // names this process's queue to collectors that drop what they have

	// Owned by the sender goroutine.
	body []byte // of the batch in flight
	next uint64 // sequence number of the first line in flight
}

func newHTTPSender(c Config) (*httpSender, error) {
	h, err := transport.New(transport.Config{
		BaseURL: c.BaseURL, RepositoryID: c.ID, APIKey: c.APIKey, RoundTripper: c.Transport,
	})
	if err != nil {
		var bad *transport.ConfigError
		if errors.As(err, &bad) {
			field := bad.Field
			if field == "RepositoryID" {
				field = "ID"
			}
			return nil, &ConfigError{Field: field, Reason: bad.Reason, Err: err}
		}
		return nil, &ConfigError{Field: "BaseURL", Reason: "cannot be used", Err: err}
	}
	id := uuid.New()
	return &httpSender{http: h, spool: hex.EncodeToString(id[:]), next: 1}, nil
}

// Send implements actors.Sender. A batch that is sent again, whole or in halves,
// keeps the sequence numbers of its lines: they advance only with an outcome.
func (s *httpSender) Send(ctx context.Context, entries []messages.Entry, attempt int) actors.Verdict {
	s.body = s.body[:0]
	for i := range entries {
		if i > 0 {
			s.body = append(s.body, '\n')
		}
		s.body = append(s.body, entries[i].Line...)
	}
	err := s.http.Send(ctx, transport.Batch{Body: s.body, Lines: len(entries), Spool: s.spool, First: s.next})
	v := verdict(err, attempt)
	if v.Outcome == actors.Delivered || v.Outcome == actors.Refused && len(entries) == 1 {
		s.next += uint64(len(entries))
	}
	return v
}

func verdict(err error, attempt int) actors.Verdict {
	var failure *transport.Error
	switch {
	case err == nil:
		return actors.Verdict{Outcome: actors.Delivered}
	case !errors.As(err, &failure):
		return actors.Verdict{Outcome: actors.Again, Wait: transport.Backoff(attempt, 0, rand.Float64), Err: err}
	}
	switch failure.Kind {
	case transport.TooLarge, transport.Rejected:
		return actors.Verdict{Outcome: actors.Refused, Err: err}
	case transport.Misconfigured:
		return actors.Verdict{Outcome: actors.Again, Wait: transport.Pause(attempt, rand.Float64), Err: err}
	default:
		return actors.Verdict{Outcome: actors.Again, Wait: transport.Backoff(attempt, failure.RetryAfter, rand.Float64), Err: err}
	}
}

func (s *httpSender) close() { s.http.Close() }
