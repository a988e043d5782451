package actors

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
)

// trace keeps the state of one trace: its roll-up and its open entities. A Begin makes it the
// actor of another trace. As a root (a trace without session, or an entity of another process) it
// also emits the entries. The actor owns all fields.
type trace struct {
	sys    *System
	route  *messages.Route // nil while the actor serves no trace
	state  messages.Rollup
	family *family // nil before the first child

	finished *atomic.Int64 // see messages.Begin
	handled  int64         // Commands since Begin
	counted  int           // open entities of this trace that are counted in System.open

	toEnd []messages.Ref // entities that makeEnds has still to look at
	// waits are the EndOpen for which there was no room. The trace does not passivate meanwhile.
	waits []*messages.EndOpen
}

// Receive implements actor.Actor.
func (t *trace) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Begin:
		t.begin(m)
	case *messages.Commands:
		t.handle(m)
	case *messages.Inspect:
		t.inspect(m)
	case *messages.Passivate:
		t.passivate(c, m.Now)
	case *messages.Sweep:
		t.endIfIdle(m.Now)
	case *messages.EndOpen:
		t.endOpen(c, m)
	case *messages.Room:
		waits := t.waits
		t.waits = nil
		for _, m := range waits {
			t.endOpen(c, m)
		}
	}
}

// handle emits the commands that a session has not emitted before, and applies all.
func (t *trace) handle(b *messages.Commands) {
	if b.Start.Route != nil {
		t.begin(&b.Start)
		b.Start = messages.Begin{} // not again after a failure
	}
	for m := b.Next(); m != nil; m = b.Next() {
		if t.sys.cfg.Fault != nil {
			t.sys.cfg.Fault(m)
		}
		b.Emit(m)
		t.apply(m)
	}
	t.handled++
	if t.state.Ended && t.family.countOpen() == 0 && len(t.waits) == 0 {
		t.finished.Store(t.handled)
	} else {
		t.finished.Store(0)
	}
	t.count()
	t.sys.sendOut(b)
	done(b)
}

// count updates System.open by the change since it was last called.
func (t *trace) count() {
	open := t.family.countOpen()
	if isOpen(&t.state) {
		open++
	}
	if open != t.counted {
		t.sys.open.Add(int64(open - t.counted))
		t.counted = open
	}
}

// begin makes the actor serve another trace. Whoever sends a Begin knows that the trace before is
// over: its ids leave the directory only now, so that late calls by id found the actor until then.
func (t *trace) begin(m *messages.Begin) {
	t.forget()
	t.route, t.finished, t.handled, t.state = m.Route, m.Finished, 0, messages.Rollup{}
	if m.State != nil {
		t.state = *m.State
	}
}

// forget clears everything about the trace, including its ids in the directory.
func (t *trace) forget() {
	if t.route == nil {
		return
	}
	for c := range t.family.all() {
		t.sys.dir.forget(c.ref, t.route)
	}
	t.sys.dir.forget(t.route.Owner(), t.route)
	t.route, t.family, t.toEnd = nil, t.family.emptied(), nil
	t.sys.open.Add(-int64(t.counted))
	t.counted = 0
}

// apply records a command and reports it if it is suspicious. It relies on nothing that the caller
// claims: an unknown target or parent is possible, since other processes write to the same trace.
func (t *trace) apply(m *messages.Command) {
	self := t.route.Owner()
	record(&t.state, m)
	switch {
	case m.Child() == self:
		if t.state.Created {
			t.sys.warn(DuplicateID, m)
		}
		t.state.Created = true
		return
	case m.NewEntity != nil:
		t.add(m)
	}
	switch target := t.family.find(m.Target); {
	case target != nil:
		before := target.open()
		t.mark(m, &target.ended, &target.implied, &target.handedOver)
		if before && !target.open() {
			t.family.open--
		}
	case m.Target == self:
		t.mark(m, &t.state.Ended, &t.state.Implied, &t.state.HandedOver)
	}
	t.family.forgetEnded(func(ref messages.Ref) { t.sys.dir.forget(ref, t.route) })
}

// add adds the entity that a command creates.
func (t *trace) add(m *messages.Command) {
	t.state.Begun[m.Child().Entity]++
	if m.Child().Entity == messages.Error {
		t.state.Failures++
		return // an error is a point in time: it never ends
	}
	if t.family.find(m.Child()) != nil {
		t.sys.warn(DuplicateID, m)
		return
	}
	depth := int32(1)
	if m.NewEntity.Parent.Entity != messages.Unknown {
		if parent := t.family.find(m.NewEntity.Parent); parent != nil {
			depth = parent.depth + 1
		} else if t.state.Created && (t.family == nil || !t.family.forgot) {
			t.sys.warn(UnknownParent, m)
		}
	}
	if t.family == nil {
		t.family = &family{}
	}
	t.family.add(child{ref: m.Child(), parent: m.NewEntity.Parent, depth: depth})
}

// mark applies an end, a hand-over or a write to the flags of its target. An explicit end after
// an implied one is fine, once.
func (t *trace) mark(m *messages.Command, ended, implied, handedOver *bool) {
	*handedOver = *handedOver || m.HandOver
	switch {
	case m.Action == messages.End && !*ended:
		*ended, *implied = true, m.Implied
		if m.Target != t.route.Owner() {
			t.family.ended++
		}
	case m.Action == messages.End && *implied:
		*implied = false
	case m.Action == messages.End:
		t.sys.warn(EndedTwice, m)
	case *ended && m.Action != messages.None && !afterthought(m.Action):
		t.sys.warn(AfterEnd, m)
	}
}

// inspect answers with the state after all commands that the trace has received.
func (t *trace) inspect(m *messages.Inspect) {
	snapshot := messages.Snapshot{Owner: t.route.Owner(), Rollup: copied(t.state)}
	for c := range t.family.all() {
		if !c.ended {
			snapshot.Children = append(snapshot.Children, c.ref)
		}
	}
	m.Reply <- snapshot
}

// passivate forgets the trace if nothing is open in it. It first auto-ends entities that have been
// idle for too long, and declines if something stays open.
func (t *trace) passivate(c actor.Context, now time.Time) {
	t.endIfIdle(now)
	if t.family.countOpen() > 0 || isOpen(&t.state) || len(t.waits) > 0 {
		c.Respond(&messages.Passivated{Owner: t.route.Owner(), Declined: true})
		return
	}
	owner := t.route.Owner()
	t.forget()
	c.Respond(&messages.Passivated{Owner: owner})
}

// endIfIdle ends all open entities once the trace has had no calls for AutoEndAfter. Those for
// which there is no room in the ledger are ended the next time.
func (t *trace) endIfIdle(now time.Time) {
	last := time.UnixMicro(t.state.Last)
	if after := t.sys.cfg.AutoEndAfter; after > 0 && t.state.Last != 0 && now.Sub(last) >= after {
		_, _ = t.makeEnds(endedByIdle, last)
	}
}

// endOpen ends the open entities of this process. Without room in the ledger it goes on when a Room
// arrives.
func (t *trace) endOpen(c actor.Context, m *messages.EndOpen) {
	need, err := t.makeEnds(m.Reason, time.Now())
	if !isFull(err) {
		m.Done()
		return
	}
	if len(t.waits) == 0 {
		t.sys.waiting.put(c.Self(), need)
	}
	t.waits = append(t.waits, m)
}

// makeEnds ends the open entities of this process: the children, deepest first, then the trace. It
// fails as System.end does; called again, it continues from there. Children may have been ended
// by their callers in between.
func (t *trace) makeEnds(reason string, at time.Time) (need int64, err error) {
	defer t.count()
	for t.family.countOpen() > 0 {
		if len(t.toEnd) == 0 {
			t.toEnd = t.family.toEnd()
		}
		if c := t.family.find(t.toEnd[0]); c != nil && c.open() {
			if need, err := t.sys.end(t.route, c.ref, reason, at); err != nil {
				return need, err
			}
			c.ended = true
			t.family.ended++
			t.family.open--
		}
		t.toEnd = t.toEnd[1:]
	}
	if isOpen(&t.state) {
		if need, err := t.sys.end(t.route, t.route.Owner(), reason, at); err != nil {
			return need, err
		}
		t.state.Ended = true
	}
	return 0, nil
}
