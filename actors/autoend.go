package actors

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// endedByIdle is the ended_by of an entity that was auto-ended after AutoEndAfter.
const endedByIdle = "idle"

// end emits the end of an entity that its caller left open. Like a call it needs room in the
// ledger, but it does not wait for it: without room it fails with ledger.ErrFull and returns the
// number of bytes it needs. After Seal it fails with ledger.ErrClosed.
func (s *System) end(route *messages.Route, ref messages.Ref, reason string, at time.Time) (need int64, err error) {
	e := wire.NewEncoder()
	e.Begin(ref.Entity.String(), ref.ID, messages.End.String())
	e.Time("endTimestamp", at)
	e.Name("metadata")
	e.Open('{')
	e.String("ended_by", reason)
	e.Close('}')
	line := e.Finish()
	e.Release()
	c := messages.NewCommand()
	*c = messages.Command{Route: route, Target: ref, Action: messages.End, At: time.Now().UnixNano()}
	c.Entry = messages.Entry{Line: line, OrderKey: route.OrderKey}
	if c.Entry.Epoch, err = s.cfg.Ledger.AdmitOwn(c.Entry.Cost()); err != nil {
		return c.Entry.Cost(), err
	}
	s.autoEnded.Add(1)
	if s.cfg.Sampled {
		c.Entry.Of = c
	}
	s.sup.Send(s.writer, &c.Entry)
	return 0, nil
}

// isFull reports whether an end failed for want of room, so that it can be made later.
func isFull(err error) bool { return errors.Is(err, ledger.ErrFull) }

// waitlist holds the actors that have an end to make and no room for it, first come, first
// served. Actors must not wait themselves. Safe for concurrent use.
type waitlist struct {
	added chan struct{} // capacity 1

	mu    sync.Mutex
	items queue[waiting] // guarded by mu
}

// waiting is an actor that waits for room.
type waiting struct {
	pid  *actor.PID
	need int64 // bytes
}

// put adds an actor. It is sent a Room once the ledger may have so many bytes for it.
func (w *waitlist) put(pid *actor.PID, need int64) {
	w.mu.Lock()
	w.items.push(waiting{pid, need})
	w.mu.Unlock()
	select {
	case w.added <- struct{}{}:
	default:
	}
}

// take removes and returns the actor that has waited the longest. It returns false if there
// is none.
func (w *waitlist) take() (waiting, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.items.len() == 0 {
		return waiting{}, false
	}
	return w.items.pop(), true
}

// room is sent to every actor that may go on; it carries nothing.
var room = &messages.Room{}

// makeRoom waits for room on behalf of the actors in the waitlist, until ctx ends. It serves one at a
// time, so that those behind do not take the room of the first.
func (s *System) makeRoom(ctx context.Context) {
	for {
		w, ok := s.waiting.take()
		switch {
		case ok && s.cfg.Ledger.AwaitOwn(ctx, w.need) == nil:
			s.sup.Send(w.pid, room)
			continue
		case ok:
			return // ctx has ended
		}
		select {
		case <-s.waiting.added:
		case <-ctx.Done():
			return
		}
	}
}

// finalizeAtOnce limits how many members of a keeper end their open entities at the same time. So
// a million members need no memory for messages, and a finalization is over soon after the
// ledger is sealed.
const finalizeAtOnce = 256

// finalization is one pass over the members of a keeper, in which each ends its open entities. It
// is owned by the owner of the keeper.
type finalization[T any] struct {
	left   []*member[T] // not asked yet
	asked  int          // members that have been asked and are not done
	reason string
	done   func()
}

// finalize asks the next members of a finalization and reports whether all are done. It is
// called again after every EndedOpen. After Seal it asks nobody, because no end can be made.
func (k *keeper[T]) finalize(c actor.Context, sys *System, f *finalization[T]) bool {
	for len(f.left) > 0 && f.asked < finalizeAtOnce {
		if sys.cfg.Ledger.Sealed() {
			f.left = nil
			break
		}
		m := f.left[0]
		f.left = f.left[1:]
		if m.pid != nil {
			f.asked++
			k.pass(m, &messages.EndOpen{Reason: f.reason, Done: sys.endedOpen(c.Self(), m.ref, f)})
		}
	}
	return f.asked == 0
}
