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

// endedByIdle is the ended_by of an entity that nobody wrote to for too long.
const endedByIdle = "idle"

// end emits the end of an entity that its caller left open. It takes room in the ledger
// as calls do, and does not wait: without room it fails with ledger.ErrFull and returns
// how much the end needs. After Seal it fails with ledger.ErrClosed.
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
	c.Entry = messages.Entry{Line: line, Lane: route.Lane}
	if c.Entry.Epoch, err = s.cfg.Ledger.AdmitOwn(c.Entry.Cost()); err != nil {
		return c.Entry.Cost(), err
	}
	s.orphans.Add(1)
	if s.cfg.Sampled {
		c.Entry.Of = c
	}
	s.sup.Send(s.writer, &c.Entry)
	return 0, nil
}

// queue is the actors that have an end to make and no room for it, the first to ask
// first. Safe for concurrent use.
type queue struct {
	asked chan struct{} // capacity 1

	mu    sync.Mutex
	items fifo[waiting] // guarded by mu
}

// waiting is an actor that waits for room.
type waiting struct {
	pid  *actor.PID
	need int64 // bytes
}

// put sends the actor a Room when the ledger may have so many bytes for it.
func (q *queue) put(pid *actor.PID, need int64) {
	q.mu.Lock()
	q.items.push(waiting{pid, need})
	q.mu.Unlock()
	select {
	case q.asked <- struct{}{}:
	default:
	}
}

func (q *queue) take() (w waiting, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.items.len() == 0 {
		return w, false
	}
	return q.items.pop(), true
}

var room = &messages.Room{}

// makeRoom waits for the actors that must not, until ctx ends.
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
		case <-s.waiting.asked:
		case <-ctx.Done():
			return
		}
	}
}

// roundWidth is how many roots of a shard, or traces of a session, end what is open in
// them at once.
const roundWidth = 256

// round is one finalisation by a shard of its roots, or by a session of its traces. They
// are asked a few at a time: so a million of them need no memory for messages, and the
// round is over soon after the ledger is sealed.
type round[T any] struct {
	left   []T // not asked yet
	asked  int // asked, and not done
	reason string
	done   func()
}

// next takes the next one to ask, unless enough of them are at it.
func (r *round[T]) next(sealed bool) (item T, ok bool) {
	if sealed {
		r.left = nil
	}
	if len(r.left) == 0 || r.asked >= roundWidth {
		return item, false
	}
	item, r.left = r.left[0], r.left[1:]
	return item, true
}

// full reports whether an end was not made for want of room: it can be made later.
func full(err error) bool { return errors.Is(err, ledger.ErrFull) }
