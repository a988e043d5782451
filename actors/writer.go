package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
)

// gatherMost is how many entries the writer gathers at most before it hands them over;
// fewer when its mailbox runs empty first.
const gatherMost = 512

// patience is how often in a row Out may panic before its entries are given up.
const patience = 3

// writer gathers entries and hands them over in groups. It does no I/O.
type writer struct {
	sys      *System
	gathered []messages.Entry
	turning  bool // a Turn is on its way
	failures int  // of Out, since it last returned
}

var turn = &messages.Turn{}

// Receive implements actor.Actor.
func (w *writer) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Commands:
		for _, e := range m.Out {
			w.gathered = append(w.gathered, *e)
		}
		w.due(c)
		m.Free() // not where due fails: then the supervisor looks at them
	case *messages.Entry:
		w.gathered = append(w.gathered, *m)
		w.due(c)
	case *messages.Turn:
		w.turning = false
		w.hand()
	}
}

// due hands over what was gathered, if it is much, or else behind what is in the mailbox.
func (w *writer) due(c actor.Context) {
	switch {
	case len(w.gathered) >= gatherMost:
		w.hand()
	case !w.turning:
		w.turning = true
		c.Send(c.Self(), turn)
	}
}

// hand hands over what was gathered. When Out panics the entries stay, and the
// supervisor sends a Turn to try again.
func (w *writer) hand() {
	if len(w.gathered) == 0 {
		return
	}
	w.failures++
	if w.failures > patience {
		w.giveUp()
	} else {
		w.sys.cfg.Out(w.gathered)
	}
	w.failures = 0
	handed(w.sys.cfg.Ledger, w.gathered)
	clear(w.gathered)
	w.gathered = w.gathered[:0]
}

// giveUp drops what Out fails at, whatever it is: what comes after it must go on.
func (w *writer) giveUp() {
	cost := int64(0)
	for i := range w.gathered {
		cost += w.gathered[i].Cost()
	}
	w.sys.lost.Add(int64(len(w.gathered)))
	w.sys.cfg.Ledger.Release(cost)
	w.sys.report(Event{Kind: Dropped, Entries: len(w.gathered), Err: errOutPanics})
}

// handed accounts for entries, grouped by epoch.
func handed(l *ledger.Ledger, entries []messages.Entry) {
	for first := 0; first < len(entries); {
		epoch, i := entries[first].Epoch, first
		for i < len(entries) && entries[i].Epoch == epoch {
			i++
		}
		l.Handed(epoch, i-first)
		first = i
	}
}
