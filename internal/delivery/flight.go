package delivery

import (
	"context"
	"errors"
	"sync"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/transport"
)

// flight sends one batch after the other. A lane has as many as batches may be under way
// at once; each is one goroutine's at a time.
type flight struct {
	lane    *lane
	sending stage  // what the Backend is at
	body    []byte // of the batch
	part    part   // what the flight has to send
}

// fly gives records an outcome, as far as ctx and the server let it. Where the server
// goes by numbers, every flight takes a batch of records that follow each other; where
// it goes by arrival, one takes all records of some lanes of the spool, so that these
// keep their order. It returns when all flights are back.
func (l *lane) fly(ctx context.Context, order transport.Order, records []seglog.Record) {
	if len(records) == 0 {
		return
	}
	if len(l.flights) == 1 || order == transport.Unknown {
		l.flights[0].all(ctx, part{records: records})
		return
	}
	var flying sync.WaitGroup
	for i, records := range l.divided(order, records) {
		if len(records) > 0 {
			p := part{records: records}
			if order == transport.ByArrival {
				p.number()
			}
			flying.Go(func() { l.flights[i].all(ctx, p) })
		}
	}
	flying.Wait()
}

// divided returns some of the records for each flight, in their order.
func (l *lane) divided(order transport.Order, records []seglog.Record) [][]seglog.Record {
	parts := make([][]seglog.Record, len(l.flights))
	if order == transport.ByNumber {
		for i := range parts {
			n := l.cut(records)
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

// cut returns how many of the records fit into a batch; of some at least one.
func (l *lane) cut(records []seglog.Record) int {
	left := l.size()
	for n := range records {
		if left -= len(records[n].Data) + 1; n == l.sink.cfg.BatchEntries || n > 0 && left < 0 {
			return n
		}
	}
	return len(records)
}

// all settles a part batch by batch, until a batch cannot be.
func (f *flight) all(ctx context.Context, p part) {
	f.part = p
	defer func() { f.part = part{} }()
	for records := p.records; len(records) > 0; {
		n := f.lane.cut(records)
		if p.sender == "" {
			n = min(n, consecutive(records))
		}
		if _, ok := f.settle(ctx, records[:n], nil); !ok {
			return
		}
		records = records[n:]
	}
}

// settle gives all records an outcome, in their order. It returns how many of them
// became dead letters, and false if it stopped halfway: because ctx ended, or because
// the records have to be read again. Suspicion is not nil if the records are known to
// hold one that the server refuses; then they are not sent together.
func (f *flight) settle(ctx context.Context, records []seglog.Record, suspicion error) (dead int, ok bool) {
	refusal := suspicion
	if refusal == nil || len(records) == 1 {
		if ok, refusal = f.send(ctx, records); !ok {
			return 0, false
		}
	}
	what := remedyFor(refusal)
	switch {
	case refusal == nil:
		f.lane.delivered(records)
		return 0, true
	case what == sift && siftable(records, refusal):
		return f.sift(ctx, records, refusal)
	case len(records) == 1:
		return f.condemn(ctx, records[0])
	}
	half := len(records) / 2
	if dead, ok = f.settle(ctx, records[:half], nil); !ok {
		return dead, false
	}
	// A half that is good leaves the other to blame, unless it was only the size.
	if suspicion = nil; dead == 0 && (what == divide || what == shrink && bytesOf(records) <= minBatchBytes) {
		suspicion = refusal
	}
	more, ok := f.settle(ctx, records[half:], suspicion)
	return dead + more, ok
}

// bytesOf returns how long the records are, with their newlines.
func bytesOf(records []seglog.Record) int {
	n := len(records)
	for i := range records {
		n += len(records[i].Data)
	}
	return n
}

// condemn sees to a record that was refused alone: when it is refused again, it
// becomes a dead letter.
func (f *flight) condemn(ctx context.Context, r seglog.Record) (dead int, ok bool) {
	if sleep(ctx, confirmAfter, nil); ctx.Err() != nil {
		return 0, false
	}
	l := f.lane
	one := []seglog.Record{r}
	ok, refusal := f.send(ctx, one)
	switch {
	case !ok:
		return 0, false
	case refusal == nil:
		l.delivered(one)
		return 0, true
	case remedyFor(refusal) == sift:
		return f.sift(ctx, one, refusal)
	case !l.sink.breaker.condemn():
		l.sink.failing(1, errTooMany)
		l.sink.gate.shut(errTooMany)
		return 0, false
	}
	l.bury(l.spool.Lines, r, refusal)
	return 1, true
}

// send posts records until the server takes them, which is no error, or refuses them.
// It returns false if ctx ended, or if the oldest was dropped meanwhile.
func (f *flight) send(ctx context.Context, records []seglog.Record) (ok bool, refusal error) {
	l := f.lane
	for {
		p, ok := l.sink.gate.enter(ctx)
		if !ok {
			return false, nil
		}
		if l.spool.Lines.Next() > records[0].Seq {
			l.sink.gate.leave(p)
			return false, nil
		}
		err := f.post(ctx, records)
		r := remedyFor(err)
		l.sink.passed(ctx, p, len(records), r, err)
		l.sink.gate.leave(p)
		switch r {
		case settled:
			l.sink.count(func(a *Account) { a.Sent.batch(len(records), len(f.body)) })
			l.grow()
			return true, nil
		case shrink:
			if len(records) > 1 {
				l.shrink(len(f.body))
			}
			return true, err
		case divide, sift:
			return true, err
		}
	}
}

// passed notes the outcome of an attempt that went through the gate.
func (s *Sink) passed(ctx context.Context, p pass, entries int, r remedy, err error) {
	switch {
	case r == again || r == suspend:
		if ctx.Err() == nil {
			s.gate.hold(p, err, r)
			s.failing(entries, err)
		}
	case s.gate.clear(p):
		s.recovered()
	}
}

// failing counts an attempt that failed and will be repeated, and reports it. What only a
// person can mend is reported once until something is delivered again.
func (s *Sink) failing(entries int, err error) {
	s.mu.Lock()
	s.account.Retries++
	known := false
	if e, ok := errors.AsType[*transport.Error](err); ok && remedyFor(err) == suspend {
		what := misconfigured{e.Op, e.Status}
		known = s.misconfigured[what]
		s.misconfigured[what] = true
	}
	s.mu.Unlock()
	if !known {
		s.report(Event{Kind: Failing, Entries: entries, Err: err})
	}
}

// misconfigured tells failures apart that a person has to mend.
type misconfigured struct {
	op     string
	status int
}

// recovered reports that an attempt succeeded after others had failed.
func (s *Sink) recovered() {
	s.mu.Lock()
	clear(s.misconfigured)
	s.mu.Unlock()
	s.report(Event{Kind: Recovered})
}

// post makes one attempt. Every batch is numbered, so that a server which knows the numbers
// stores no line twice.
func (f *flight) post(ctx context.Context, records []seglog.Record) error {
	f.body = f.body[:0]
	for i := range records {
		if i > 0 {
			f.body = append(f.body, '\n')
		}
		f.body = append(f.body, records[i].Data...)
	}
	b := transport.Batch{Body: f.body, Lines: len(records)}
	b.Spool, b.First = f.part.numbers(records)
	f.sending.begin()
	defer f.sending.end()
	return f.lane.sink.contained(func(backend transport.Backend) error { return backend.Send(ctx, b) })
}

// contained calls the Backend, which may panic. What the user's RoundTripper does to its
// goroutine, the transport has contained, and it counts here too.
func (s *Sink) contained(call func(transport.Backend) error) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanicked
		}
		if errors.Is(err, errPanicked) || errors.Is(err, transport.ErrRoundTripper) {
			s.panics.Add(1)
		}
	}()
	return call(s.cfg.Backend)
}
