package main

import (
	"fmt"
	"maps"
	"time"

	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// counting starts a server that counts arrivals. The caller closes it with Down.
func (t *trial) counting() (*arrivals.Receiver, *chaos.Server, error) {
	receiver := arrivals.NewReceiver()
	server, err := chaos.Start(receiver, seeded(t.rnd.Uint64()))
	return receiver, server, err
}

// promises holds the number of entries of each stream that have to arrive.
type promises map[string]int

func (p promises) add(streams map[string]int) { maps.Copy(p, streams) }

func (p promises) total() (n int64) {
	for _, count := range p {
		n += int64(count)
	}
	return n
}

// lost returns how many entries have not arrived.
func (p promises) lost(tally *arrivals.Tally) (n int64) {
	for stream, count := range p {
		n += int64(len(tally.Missing(stream, count)))
	}
	return n
}

// examples names some lost entries.
func (p promises) examples(tally *arrivals.Tally) string {
	for stream, count := range p {
		if missing := tally.Missing(stream, count); len(missing) > 0 {
			return fmt.Sprintf("of the %d of %s, %d are missing: %d to %d", count, stream, len(missing), missing[0], missing[len(missing)-1])
		}
	}
	return ""
}

// arrived demands that everything that was promised has arrived, unchanged and in order.
func (t *trial) arrived(p promises, tally *arrivals.Tally) {
	count := tally.Count()
	t.exactly("lost", p.lost(tally), 0)
	if example := p.examples(tally); example != "" {
		t.miss("%s", example)
	}
	t.exactly("wrong", count.Wrong, 0)
	t.exactly("order_violations", count.Disorder, 0)
}

// balanced demands that the counters of a logger balance, and notes the dropped entries.
func (t *trial) balanced(r report) {
	s := r.Stats
	if s.Accepted+s.Recovered != s.Delivered+s.Pending+s.Dead+s.Dropped {
		t.miss("the account does not balance: %+v", s)
	}
	if s.Dropped > 0 {
		t.miss("%d entries were dropped: %v", s.Dropped, s.DroppedBy)
	}
	if s.Panics > 0 {
		t.miss("%d panics were contained", s.Panics)
	}
}

// deliver starts a worker that delivers the entries of a spool, and returns when nothing is
// pending.
func (t *trial) deliver(j job, limit time.Duration) (report, error) {
	p, err := t.launch(j)
	if err != nil {
		return report{}, err
	}
	if err := p.awaitReady(); err != nil {
		p.kill()
		return report{}, err
	}
	return t.drainAndEnd(p, limit)
}

// drainAndEnd waits until nothing is pending and ends a worker.
func (t *trial) drainAndEnd(p *process, limit time.Duration) (report, error) {
	r, err := p.ask(cmdDrain, limit)
	if err == nil && r.Err != "" {
		t.miss("%s: after %v %d are pending: %s", p.job.Name, r.Took, r.Stats.Pending, r.Err)
	}
	drained := r.Took
	if err == nil {
		r, err = p.ask(cmdClose, limit)
	}
	if err != nil {
		p.kill()
		return r, err
	}
	if r.Err != "" {
		t.miss("%s: Close: %s", p.job.Name, r.Err)
	}
	r.Took = drained
	t.balanced(r)
	return r, p.end()
}
