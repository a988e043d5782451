package delivery

import (
	"context"
	"errors"
	"sync"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/transport"
)

// batchSender sends one batch after the other. A drainer has as many as there may be batches in
// flight. Each is owned by one goroutine at a time.
type batchSender struct {
	drainer *drainer
	sending activity // of the Backend
	body    []byte   // of the last batch; reused
	part    part     // the records to send
}

// sendAll gives the records an outcome, as far as ctx and the server let it, and returns when all
// senders are done. With a backend that orders by number, each sender takes a batch of records
// that follow each other. With one that orders by arrival, a sender takes all records of some
// order keys, so that records of one key stay in their order. While the order is not known, one
// sender sends everything.
func (d *drainer) sendAll(ctx context.Context, order transport.Order, records []seglog.Record) {
	if len(records) == 0 {
		return
	}
	if len(d.senders) == 1 || order == transport.Unknown {
		d.senders[0].sendPart(ctx, part{records: records})
		return
	}
	var sending sync.WaitGroup
	for i, records := range d.divided(order, records) {
		if len(records) > 0 {
			p := part{records: records}
			if order == transport.ByArrival {
				p.number()
			}
			sending.Go(func() { d.senders[i].sendPart(ctx, p) })
		}
	}
	sending.Wait()
}

// divided returns the share of each sender, in the order of the records.
func (d *drainer) divided(order transport.Order, records []seglog.Record) [][]seglog.Record {
	parts := make([][]seglog.Record, len(d.senders))
	if order == transport.ByNumber {
		for i := range parts {
			n := d.batchLen(records)
			if i == len(parts)-1 {
				n = len(records)
			}
			parts[i], records = records[:n], records[n:]
		}
		return parts
	}
	for i := range records {
		part := int(records[i].Lane) % len(parts)
		parts[part] = append(parts[part], records[i])
	}
	return parts
}

// batchLen returns how many leading records fit in one batch: at least 1 if there are any.
func (d *drainer) batchLen(records []seglog.Record) int {
	left := d.batchSize()
	for n := range records {
		if left -= len(records[n].Data) + 1; n == d.dest.cfg.BatchEntries || n > 0 && left < 0 {
			return n
		}
	}
	return len(records)
}

// sendPart sends a part batch by batch. It stops at a batch that gets no outcome.
func (b *batchSender) sendPart(ctx context.Context, p part) {
	b.part = p
	defer func() { b.part = part{} }()
	for records := p.records; len(records) > 0; {
		n := b.drainer.batchLen(records)
		if p.sender == "" {
			n = min(n, consecutive(records))
		}
		if _, ok := b.settle(ctx, records[:n], nil); !ok {
			return
		}
		records = records[n:]
	}
}

// settle gives all records an outcome, in their order, and returns how many became dead letters.
// It returns false if it stopped halfway, because ctx ended or because the records have to be
// read again. A suspicion is the rejection of a larger batch that is known to be caused by these
// records; they are then halved without being sent together once more.
func (b *batchSender) settle(ctx context.Context, records []seglog.Record, suspicion error) (dead int, ok bool) {
	rejection := suspicion
	if rejection == nil || len(records) == 1 {
		if ok, rejection = b.send(ctx, records); !ok {
			return 0, false
		}
	}
	action := actionFor(rejection)
	switch {
	case rejection == nil:
		b.drainer.delivered(records)
		return 0, true
	case action == sift && siftable(records, rejection):
		return b.sift(ctx, records, rejection)
	case len(records) == 1:
		return b.deadLetterCheck(ctx, records[0])
	}
	half := len(records) / 2
	if dead, ok = b.settle(ctx, records[:half], nil); !ok {
		return dead, false
	}
	// If the first half is good the second is to blame, unless only the size was.
	suspicion = nil
	if dead == 0 && (action == split || action == splitSmaller && bytesOf(records) <= minBatchBytes) {
		suspicion = rejection
	}
	more, ok := b.settle(ctx, records[half:], suspicion)
	return dead + more, ok
}

// bytesOf returns the length of the records with a newline after each.
func bytesOf(records []seglog.Record) int {
	n := len(records)
	for i := range records {
		n += len(records[i].Data)
	}
	return n
}

// deadLetterCheck decides about a record that was rejected alone: rejected again a second later,
// it becomes a dead letter, unless the breaker blames the server.
func (b *batchSender) deadLetterCheck(ctx context.Context, r seglog.Record) (dead int, ok bool) {
	if sleep(ctx, confirmAfter, nil); ctx.Err() != nil {
		return 0, false
	}
	d := b.drainer
	one := []seglog.Record{r}
	ok, rejection := b.send(ctx, one)
	switch {
	case !ok:
		return 0, false
	case rejection == nil:
		d.delivered(one)
		return 0, true
	case actionFor(rejection) == sift:
		return b.sift(ctx, one, rejection)
	case !d.dest.breaker.allow():
		d.dest.reportFailing(1, errTooMany)
		d.dest.throttle.pause(errTooMany)
		return 0, false
	}
	d.deadLetter(d.spool.Lines, r, rejection)
	return 1, true
}

// send sends records until the server accepts them (a nil rejection) or rejects them. It returns
// false if ctx ended, or if the oldest record was dropped in the meantime: the log has
// dropped its oldest to make room, and the rest must be read again.
func (b *batchSender) send(ctx context.Context, records []seglog.Record) (ok bool, rejection error) {
	d := b.drainer
	for {
		p, ok := d.dest.throttle.acquire(ctx)
		if !ok {
			return false, nil
		}
		if d.spool.Lines.Next() > records[0].Seq {
			d.dest.throttle.release(p)
			return false, nil
		}
		err := b.attempt(ctx, records)
		action := actionFor(err)
		d.dest.attempted(ctx, p, len(records), action, err)
		d.dest.throttle.release(p)
		switch action {
		case accepted:
			d.dest.count(func(c *Counters) { c.Sent.batch(len(records), len(b.body)) })
			d.growBatches()
			return true, nil
		case splitSmaller:
			if len(records) > 1 {
				d.shrinkBatches(len(b.body))
			}
			return true, err
		case split, sift:
			return true, err
		}
	}
}

// attempted records the result of an attempt with a permit.
func (s *Destination) attempted(ctx context.Context, p permit, entries int, action retryAction, err error) {
	switch {
	case action == retry || action == pause:
		if ctx.Err() == nil {
			s.throttle.block(p, err, action)
			s.reportFailing(entries, err)
		}
	case s.throttle.unblock(p):
		s.reportRecovered()
	}
}

// reportFailing counts and reports an attempt that failed and will be repeated. A failure that
// only a person can fix is reported once until something is delivered again.
func (s *Destination) reportFailing(entries int, err error) {
	s.mu.Lock()
	s.counters.Retries++
	known := false
	if e, ok := errors.AsType[*transport.Error](err); ok && actionFor(err) == pause {
		key := misconfigured{e.Op, e.Status}
		known = s.misconfigured[key]
		s.misconfigured[key] = true
	}
	s.mu.Unlock()
	if !known {
		s.report(Event{Kind: Failing, Entries: entries, Err: err})
	}
}

// misconfigured identifies a failure that only a person can fix.
type misconfigured struct {
	op     string
	status int
}

// reportRecovered reports that an attempt has succeeded after others had failed.
func (s *Destination) reportRecovered() {
	s.mu.Lock()
	clear(s.misconfigured)
	s.mu.Unlock()
	s.report(Event{Kind: Recovered})
}

// attempt sends records once. Every batch is numbered, so that a server which knows the numbers
// stores no line twice.
func (b *batchSender) attempt(ctx context.Context, records []seglog.Record) error {
	b.body = b.body[:0]
	for i := range records {
		if i > 0 {
			b.body = append(b.body, '\n')
		}
		b.body = append(b.body, records[i].Data...)
	}
	batch := transport.Batch{Body: b.body, Lines: len(records)}
	batch.Spool, batch.First = b.part.numbers(records)
	b.sending.begin()
	defer b.sending.end()
	return b.drainer.dest.call(func(backend transport.Backend) error { return backend.Send(ctx, batch) })
}

// call calls the Backend and turns a panic into an error that is retried. Panics of a user's
// RoundTripper have been contained by the transport, and are counted here as well.
func (s *Destination) call(f func(transport.Backend) error) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanicked
		}
		if errors.Is(err, errPanicked) || errors.Is(err, transport.ErrRoundTripper) {
			s.panics.Add(1)
		}
	}()
	return f(s.cfg.Backend)
}
