package actors

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
)

// session is the root actor of a session: it emits every entry below the session
// and hands the commands of a trace to that trace's actor.
type session struct {
	sys    *System
	route  *messages.Route
	state  messages.Rollup
	traces []*traceActor // live ones; few, or swept soon after their end
	byID   map[string]*traceActor
	// lingering are traces that have ended, the first to end first. What is in it may
	// have been begun anew since, or be gone. Nil before the first.
	lingering *fifo[*traceActor]
	busy      *traceActor // with pending commands; the others hang below it
	counted   bool        // it is in System.open

	rounds int                   // begun and not over; the actor does not stop meanwhile
	waits  []*round[*traceActor] // those that have no room for the session's own end
}

// How many traces linger after their end, at most: of a session, and of all sessions
// together, about. Over that a trace is asked to passivate at its end.
const (
	tracesLinger    = 32
	allTracesLinger = 1024
)

// traceActor is what a session keeps of a live trace.
type traceActor struct {
	id     string
	pid    *actor.PID // nil when it is gone
	last   int64      // last call, Unix nanoseconds
	begun  bool       // its create was seen by this incarnation
	ended  bool
	asking *backlog // it was asked to passivate

	settled atomic.Int64 // see messages.Begin
	sent    int64        // Commands sent since Begin

	pending *messages.Commands // to be passed on, nil between two messages
	busy    *traceActor        // the next one with pending commands
	lingers bool               // it is in lingering
}

// Receive implements actor.Actor.
func (s *session) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Begin:
		s.start(m)
	case *messages.Commands:
		s.handle(c, m)
	case *messages.Inspect:
		s.inspect(m)
	case *messages.Sweep:
		s.sweep(c, m.Now)
	case *messages.Passivate:
		s.passivate(c)
	case *messages.Passivated:
		s.passivated(m)
	case *messages.Finalise:
		s.finalise(c, m)
	case *messages.Finalised:
		if t := s.find(m.Owner.ID); t != nil {
			t.ended = true
		}
		r := m.Token.(*round[*traceActor])
		r.asked--
		s.advance(c, r)
	case *messages.Room:
		waits := s.waits
		s.waits = nil
		for _, r := range waits {
			s.advance(c, r)
		}
	}
}

func (s *session) start(m *messages.Begin) {
	s.route = m.Route
	if m.State != nil {
		s.state = *m.State
		s.counted = isOpen(&s.state) // since before it was passivated
	}
}

// count tells the system whether the session is open.
func (s *session) count() {
	if open := isOpen(&s.state); open != s.counted {
		s.counted = open
		if open {
			s.sys.open.Add(1)
		} else {
			s.sys.open.Add(-1)
		}
	}
}

// handle emits commands, applies them, and hands those of traces on.
func (s *session) handle(c actor.Context, b *messages.Commands) {
	if b.Start.Route != nil {
		s.start(&b.Start)
		b.Start = messages.Begin{} // not again after a failure
	}
	for m := b.Next(); m != nil; m = b.Next() {
		if s.sys.cfg.Fault != nil {
			s.sys.cfg.Fault(m)
		}
		b.Emit(m)
		s.apply(m)
		if m.Route.Trace.Entity != messages.Unknown {
			s.assign(m)
		}
	}
	s.count()
	s.sys.sendOut(b)
	s.forward(c)
	done(b)
}

// forward hands on what was put aside for traces.
func (s *session) forward(c actor.Context) {
	for t := s.busy; t != nil; t = s.busy {
		commands := t.pending
		s.busy, t.busy, t.pending = t.busy, nil, nil
		s.pass(t, commands)
		if t.ended && !t.lingers {
			s.linger(c, t)
		}
	}
}

// assign puts a command aside for its trace.
func (s *session) assign(m *messages.Command) {
	t := s.trace(m.Route)
	t.last = max(t.last, m.At)
	t.begun = t.begun || m.Child() == m.Route.Trace
	t.ended = m.Action == messages.End && m.Target == m.Route.Trace || t.ended && m.Birth == nil
	if t.pending == nil {
		t.pending = messages.NewCommands()
		if t.pid == nil {
			t.pending.Start = s.begin(t, m.Route)
		}
		s.busy, t.busy = t, s.busy
	}
	t.pending.Add(m)
}

// linger notes that a trace has ended, and gives up the one that ended first if there are
// too many.
func (s *session) linger(c actor.Context, t *traceActor) {
	if s.lingering == nil {
		s.lingering = &fifo[*traceActor]{}
	}
	s.lingering.push(t)
	t.lingers = true
	most := tracesLinger
	if s.sys.lingering.Add(1) > allTracesLinger {
		most = 0
	}
	for s.lingering != nil && s.lingering.len() > most {
		first := s.lingering.pop()
		first.lingers = false
		s.sys.lingering.Add(-1)
		switch {
		case !first.ended || first.pid == nil || first.asking != nil || first.pending != nil:
		case first.sent > 0 && first.settled.Load() == first.sent && s.sys.giveUp(first.pid):
			s.release(first)
		default:
			first.asking = ask(c, first.pid, first.ref(), time.Unix(0, t.last))
		}
	}
}

func (t *traceActor) ref() messages.Ref { return messages.Ref{Entity: messages.Trace, ID: t.id} }

// apply records the command in the session's own state and says what is doubtful.
func (s *session) apply(m *messages.Command) {
	self := s.route.Root
	record(&s.state, m)
	switch {
	case m.Child() == self:
		if s.state.Created {
			s.doubt(DuplicateID, m)
		}
		s.state.Created = true
		return
	case m.Birth != nil:
		s.state.Begun[m.Child().Entity]++
		if m.Child().Entity == messages.Error {
			s.state.Failures++
		}
	}
	if m.Target != self {
		if m.Child().Entity == messages.Trace && s.state.Ended && !s.state.Implied {
			s.doubt(AfterEnd, m)
		}
		return
	}
	s.state.HandedOver = s.state.HandedOver || m.HandOver
	switch {
	case m.Action == messages.End && s.state.Ended:
		s.doubt(EndedTwice, m)
	case m.Action == messages.End:
		s.state.Ended = true
	case s.state.Ended && m.Action != messages.None && !afterthought(m.Action):
		s.doubt(AfterEnd, m)
	}
}

func (s *session) doubt(kind EventKind, m *messages.Command) {
	s.sys.report(Event{Kind: kind, Target: m.Target, Action: m.Action, Entries: 1})
}

func (s *session) find(id string) *traceActor {
	if s.byID != nil {
		return s.byID[id]
	}
	for _, t := range s.traces {
		if t.id == id {
			return t
		}
	}
	return nil
}

// trace returns what the session keeps of a trace.
func (s *session) trace(route *messages.Route) *traceActor {
	if t, _ := route.TraceAt.(*traceActor); t != nil && t.pid != nil {
		return t
	}
	t := s.find(route.Trace.ID)
	if t == nil {
		t = &traceActor{id: route.Trace.ID}
		s.traces = append(s.traces, t)
		if s.byID == nil && len(s.traces) >= indexFrom {
			s.byID = make(map[string]*traceActor, 2*len(s.traces))
			for _, known := range s.traces {
				s.byID[known.id] = known
			}
		} else if s.byID != nil {
			s.byID[t.id] = t
		}
	}
	route.TraceAt = t
	return t
}

// begin gives a trace an actor, and returns what that is to begin with.
func (s *session) begin(t *traceActor, route *messages.Route) messages.Begin {
	t.pid = s.sys.beginTrace()
	t.sent = 0
	t.settled.Store(0)
	return messages.Begin{Route: route, Settled: &t.settled}
}

func (s *session) pass(t *traceActor, message any) {
	if t.asking != nil {
		t.asking.messages = append(t.asking.messages, message)
		return
	}
	s.send(t, message)
}

func (s *session) send(t *traceActor, message any) {
	if _, ok := message.(*messages.Commands); ok {
		t.sent++
	}
	s.sys.sup.Send(t.pid, message)
}

func (s *session) inspect(m *messages.Inspect) {
	if m.Route.Trace.Entity != messages.Unknown {
		if t := s.find(m.Route.Trace.ID); t != nil {
			s.pass(t, m)
		} else {
			close(m.Reply)
		}
		return
	}
	snapshot := messages.Snapshot{Owner: s.route.Root, Rollup: copied(s.state)}
	for _, t := range s.traces {
		if t.begun && !t.ended {
			snapshot.Children = append(snapshot.Children, t.ref())
		}
	}
	m.Reply <- snapshot
}

// sweep frees the traces that ended a while ago. One that was forgotten ends what is open
// in it when it is asked.
func (s *session) sweep(c actor.Context, now time.Time) {
	cfg := &s.sys.cfg
	patience := cfg.IdleAfter
	if cfg.OrphanAfter > 0 {
		patience = min(patience, cfg.OrphanAfter)
	}
	for _, t := range s.traces {
		idle := time.Duration(now.UnixNano() - t.last)
		if t.asking == nil && (idle >= patience || t.ended && idle >= cfg.Linger) {
			t.asking = ask(c, t.pid, t.ref(), now)
		}
	}
}

// passivate gives the session up unless it holds traces, which are swept first, or is
// being finalised.
func (s *session) passivate(c actor.Context) {
	if len(s.traces) > 0 || s.rounds > 0 {
		s.sweep(c, time.Now())
		c.Respond(&messages.Passivated{Owner: s.route.Root, Declined: true})
		return
	}
	answer := &messages.Passivated{Owner: s.route.Root}
	if isOpen(&s.state) {
		kept := s.state
		answer.State = &kept
	}
	c.Respond(answer)
	s.sys.live.Add(-1)
	c.Stop(c.Self())
}

func (s *session) passivated(m *messages.Passivated) {
	t := s.find(m.Owner.ID)
	if t == nil || t.asking == nil {
		return
	}
	held := t.asking.messages
	t.asking = nil
	if m.Declined {
		t.last = time.Now().UnixNano() // not before it has been idle again
		for _, message := range held {
			s.send(t, message)
		}
		return
	}
	s.sys.endTrace(t.pid)
	s.release(t)
	for _, message := range held {
		switch m := message.(type) {
		case *messages.Commands:
			route := m.List[0].Route
			t := s.trace(route)
			if t.pid == nil {
				m.Start = s.begin(t, route)
			}
			t.last = m.List[len(m.List)-1].At
			s.pass(t, m)
		case *messages.Inspect:
			s.inspect(m)
		case *messages.Finalise:
			m.Done()
		}
	}
}

// release forgets a trace whose actor was given back.
func (s *session) release(t *traceActor) {
	t.pid = nil
	s.traces = slices.DeleteFunc(s.traces, func(known *traceActor) bool { return known == t })
	if delete(s.byID, t.id); len(s.traces) == 0 {
		if s.lingering != nil {
			s.sys.lingering.Add(-int64(s.lingering.len()))
		}
		s.traces, s.byID, s.lingering = nil, nil, nil
	}
}

// finalise ends the session after all its traces have ended what is open in them.
func (s *session) finalise(c actor.Context, m *messages.Finalise) {
	if m.Route != nil && m.Route.Trace.Entity != messages.Unknown {
		if t := s.find(m.Route.Trace.ID); t != nil {
			s.pass(t, m)
		} else {
			m.Done()
		}
		return
	}
	s.rounds++
	s.advance(c, &round[*traceActor]{left: slices.Clone(s.traces), reason: m.Reason, done: m.Done})
}

// advance asks the next traces of a round; behind the last one the session itself ends.
func (s *session) advance(c actor.Context, r *round[*traceActor]) {
	for t, ok := r.next(s.sys.cfg.Ledger.Sealed()); ok; t, ok = r.next(s.sys.cfg.Ledger.Sealed()) {
		if t.pid != nil {
			r.asked++
			s.pass(t, &messages.Finalise{Reason: r.reason, Done: s.sys.finalised(c.Self(), t.ref(), r)})
		}
	}
	if r.asked > 0 {
		return
	}
	if isOpen(&s.state) {
		need, err := s.sys.end(s.route, s.route.Root, r.reason, time.Now())
		if full(err) {
			s.sys.waiting.put(c.Self(), need)
			s.waits = append(s.waits, r)
			return
		}
		s.state.Ended = err == nil
		s.count()
	}
	s.rounds--
	r.done()
}
