package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
)

// maxAttempts limits how often in a row Out may panic before its entries are discarded.
const maxAttempts = 3

// writer hands entries to Config.Out, one message at a time. There is one writer, so Out is never
// called concurrently, and all destinations see the same order. It does no I/O.
type writer struct {
	sys *System
	// pending holds the entries that Out has not taken: of one message, and of more only while
	// Out panics. The actor owns all fields.
	pending  []messages.Entry
	failures int // panics of Out since it last returned
}

// retry makes the writer offer the entries again on which Out has panicked.
type retry struct{}

// Receive implements actor.Actor.
func (w *writer) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Commands:
		for _, e := range m.Out {
			w.pending = append(w.pending, *e)
		}
		w.handOver()
		m.Free() // only after success: the supervisor looks at a message that failed
	case *messages.Entry:
		w.pending = append(w.pending, *m)
		w.handOver()
	case retry:
		w.handOver()
	}
}

// handOver gives the pending entries to Out. If Out panics they stay pending, and onFailure sends a
// retry; entries of messages that arrive before it are added behind them, so the order is kept.
func (w *writer) handOver() {
	if len(w.pending) == 0 {
		return
	}
	w.failures++
	if w.failures > maxAttempts {
		w.discard()
	} else {
		w.sys.cfg.Out(w.pending)
	}
	w.failures = 0
	dispatched(w.sys.cfg.Ledger, w.pending)
	clear(w.pending)
	w.pending = w.pending[:0]
}

// discard drops the batch on which Out keeps panicking, so that later entries can proceed.
func (w *writer) discard() {
	cost := int64(0)
	for i := range w.pending {
		cost += w.pending[i].Cost()
	}
	w.sys.lost.Add(int64(len(w.pending)))
	w.sys.cfg.Ledger.Release(cost)
	w.sys.report(Event{Kind: Dropped, Entries: len(w.pending), Err: errOutPanics})
}

// dispatched counts entries as handed over in the ledger, with one call for neighbours of the same
// epoch.
func dispatched(l *ledger.Ledger, entries []messages.Entry) {
	for first := 0; first < len(entries); {
		epoch, i := entries[first].Epoch, first
		for i < len(entries) && entries[i].Epoch == epoch {
			i++
		}
		l.Handed(epoch, i-first)
		first = i
	}
}
