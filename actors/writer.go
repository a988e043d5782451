package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
)

// gatherMost is how many entries the writer gathers at most before it hands them to
// the queue; fewer when its mailbox runs empty first.
const gatherMost = 512

// writer gathers entries and hands them to the queue in groups, and accounts for
// what left it. It does no I/O.
type writer struct {
	sys      *System
	gathered []messages.Entry
	settled  []messages.Entry // scratch
	turning  bool             // a Turn is on its way
}

var turn = &messages.Turn{}

// Receive implements actor.Actor.
func (w *writer) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Entry:
		w.gathered = append(w.gathered, *m)
		switch {
		case len(w.gathered) >= gatherMost:
			w.hand()
		case !w.turning:
			w.turning = true
			c.Send(c.Self(), turn)
		}
	case *messages.Turn:
		w.turning = false
		w.hand()
	case *messages.Settled:
		w.settle(m)
	}
}

func (w *writer) hand() {
	if len(w.gathered) == 0 {
		return
	}
	w.sys.cfg.Queue.Append(w.gathered)
	clear(w.gathered)
	w.gathered = w.gathered[:0]
}

func (w *writer) settle(m *messages.Settled) {
	w.settled = w.sys.cfg.Queue.Discard(w.settled[:0], m.Entries)
	outcome := ledger.Delivered
	if !m.Delivered {
		outcome = ledger.Dead
	}
	settle(w.sys.cfg.Ledger, w.settled, outcome, m.Reason)
	clear(w.settled)
}
