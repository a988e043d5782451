package actors

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
)

// trace keeps the state of one trace at a time, from its Begin to the next: its roll-up
// and what is open in it. As the root of its own key (a trace without session, or an
// entity of another process) it emits the entries too.
type trace struct {
	sys    *System
	route  *messages.Route
	state  messages.Rollup
	family *family // nil before the first child

	settled *atomic.Int64 // see messages.Begin
	had     int64         // Commands since Begin
	counted int           // what of System.open is this trace's

	toEnd []messages.Ref       // what finalise has still to look at
	waits []*messages.Finalise // those for which there was no room; the actor is not given up meanwhile
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
		t.endIfForgotten(m.Now)
	case *messages.Finalise:
		t.finalise(c, m)
	case *messages.Room:
		waits := t.waits
		t.waits = nil
		for _, m := range waits {
			t.finalise(c, m)
		}
	}
}

// handle emits commands, where they were not emitted before, and applies them.
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
	t.had++
	if t.state.Ended && t.family.countOpen() == 0 && len(t.waits) == 0 {
		t.settled.Store(t.had)
	} else {
		t.settled.Store(0)
	}
	t.count()
	t.sys.sendOut(b)
	done(b)
}

// count tells the system how much is open in the trace.
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

// begin makes the actor that of another trace.
func (t *trace) begin(m *messages.Begin) {
	t.forget()
	t.route, t.settled, t.had, t.state = m.Route, m.Settled, 0, messages.Rollup{}
	if m.State != nil {
		t.state = *m.State
	}
}

// forget gives up what the actor knows of its trace.
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

// apply records a command and says what is doubtful about it.
func (t *trace) apply(m *messages.Command) {
	self := t.route.Owner()
	record(&t.state, m)
	switch {
	case m.Child() == self:
		if t.state.Created {
			t.doubt(DuplicateID, m)
		}
		t.state.Created = true
		return
	case m.Birth != nil:
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

// add adds the child that a command begins.
func (t *trace) add(m *messages.Command) {
	t.state.Begun[m.Child().Entity]++
	if m.Child().Entity == messages.Error {
		t.state.Failures++
		return // a point in time: it does not end
	}
	if t.family.find(m.Child()) != nil {
		t.doubt(DuplicateID, m)
		return
	}
	depth := int32(1)
	if m.Birth.Parent.Entity != messages.Unknown {
		if parent := t.family.find(m.Birth.Parent); parent != nil {
			depth = parent.depth + 1
		} else if t.state.Created && (t.family == nil || !t.family.forgot) {
			t.doubt(UnknownParent, m)
		}
	}
	if t.family == nil {
		t.family = &family{}
	}
	t.family.add(child{ref: m.Child(), parent: m.Birth.Parent, depth: depth})
}

// mark applies an end, a hand-over or a write to the flags of its target.
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
		t.doubt(EndedTwice, m)
	case *ended && m.Action != messages.None && !afterthought(m.Action):
		t.doubt(AfterEnd, m)
	}
}

func (t *trace) doubt(kind EventKind, m *messages.Command) {
	t.sys.report(Event{Kind: kind, Target: m.Target, Action: m.Action, Entries: 1})
}

func (t *trace) inspect(m *messages.Inspect) {
	snapshot := messages.Snapshot{Owner: t.route.Owner(), Rollup: copied(t.state)}
	for c := range t.family.all() {
		if !c.ended {
			snapshot.Children = append(snapshot.Children, c.ref)
		}
	}
	m.Reply <- snapshot
}

// passivate gives the trace up when nothing is open in it, or when what is open
// was forgotten.
func (t *trace) passivate(c actor.Context, now time.Time) {
	t.endIfForgotten(now)
	if t.family.countOpen() > 0 || isOpen(&t.state) || len(t.waits) > 0 {
		c.Respond(&messages.Passivated{Owner: t.route.Owner(), Declined: true})
		return
	}
	owner := t.route.Owner()
	t.forget()
	c.Respond(&messages.Passivated{Owner: owner})
}

// endIfForgotten ends what is open when nobody has called for too long. What there is no
// room for is ended the next time.
func (t *trace) endIfForgotten(now time.Time) {
	last := time.UnixMicro(t.state.Last)
	if after := t.sys.cfg.OrphanAfter; after > 0 && t.state.Last != 0 && now.Sub(last) >= after {
		_, _ = t.endOpen(endedByIdle, last)
	}
}

// finalise ends what this process left open, and waits for room without blocking where
// there is none.
func (t *trace) finalise(c actor.Context, m *messages.Finalise) {
	need, err := t.endOpen(m.Reason, time.Now())
	if !full(err) {
		m.Done()
		return
	}
	if len(t.waits) == 0 {
		t.sys.waiting.put(c.Self(), need)
	}
	t.waits = append(t.waits, m)
}

// endOpen ends what this process left open: the children, deepest first, then the trace.
// It fails as System.end does, and goes on where it was when it is called again.
func (t *trace) endOpen(reason string, at time.Time) (need int64, err error) {
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
