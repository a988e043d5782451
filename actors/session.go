package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
)

// A trace leaves its grace when more than tracesInGrace of its session have ended, or more
// than allTracesInGrace of all sessions together, about.
const (
	tracesInGrace    = 32
	allTracesInGrace = 1024
)

// session is the root actor of a session: it emits every entry below the session
// and hands the commands of a trace to that trace's actor. The actor owns all fields.
type session struct {
	sys     *System
	route   *messages.Route
	state   messages.Rollup
	traces  keeper[traceState]
	counted bool // it is counted in System.open

	finalizations int // begun and not over; the actor does not stop meanwhile
	// waits are the finalizations that have no room for the end of the session itself.
	waits []*finalization[traceState]
}

// liveTrace is the session's record of a live trace.
type liveTrace = member[traceState]

// traceState is the state that a session adds to a member of its keeper.
type traceState struct {
	created bool // its create came since it was begun
}

// newSession returns the actor of a session, which waits for its Begin.
func newSession(s *System) *session {
	return &session{sys: s, traces: keeper[traceState]{shared: &s.traces}}
}

// Receive implements actor.Actor.
func (s *session) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Begin:
		s.start(m)
	case *messages.Commands:
		s.handle(c, m)
	case *messages.Sweep:
		s.sweep(c, m.Now)
	case *messages.Passivate:
		s.passivate(c)
	case *messages.Passivated:
		declined := s.traces.passivated(m, func(message any) { s.control(c, message) })
		if declined != nil {
			declined.at = time.Now().UnixNano() // not again before it has been idle again
		}
	case *messages.EndedOpen:
		if t := s.traces.find(m.Owner); t != nil {
			t.ended = true
		}
		f := m.Token.(*finalization[traceState])
		f.asked--
		s.advance(c, f)
	case *messages.Room:
		waits := s.waits
		s.waits = nil
		for _, f := range waits {
			s.advance(c, f)
		}
	default:
		s.control(c, m)
	}
}

// control handles the questions of callers; one that waited for a draining trace is asked
// again.
func (s *session) control(c actor.Context, message any) {
	switch m := message.(type) {
	case *messages.Inspect:
		s.inspect(m)
	case *messages.EndOpen:
		s.endOpen(c, m)
	}
}

// start takes over the route and the record of a Begin.
func (s *session) start(m *messages.Begin) {
	s.route = m.Route
	if m.State != nil {
		s.state = *m.State
		s.counted = isOpen(&s.state) // passivating did not change System.open
	}
}

// count updates System.open by the change since it was last called.
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

// handle emits all commands and applies them, and forwards commands of traces. It emits first, so
// that neither a panic nor a slow trace can change the order of entries.
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
	s.traces.forward(c)
	done(b)
}

// assign collects a command for its trace.
func (s *session) assign(m *messages.Command) {
	t := s.trace(m.Route)
	t.own.created = t.own.created || m.Child() == t.ref
	s.traces.assign(t, m, m.At)
}

// trace returns the record of a trace. The route caches it until it is removed.
func (s *session) trace(route *messages.Route) *liveTrace {
	t, _ := route.TraceAt.(*liveTrace)
	if t == nil || t.pid == nil {
		t = s.traces.get(route.Trace)
		route.TraceAt = t
	}
	return t
}

// apply records a command in the state of the session and reports it if it is suspicious.
func (s *session) apply(m *messages.Command) {
	self := s.route.Root
	record(&s.state, m)
	switch {
	case m.Child() == self:
		if s.state.Created {
			s.sys.warn(DuplicateID, m)
		}
		s.state.Created = true
		return
	case m.NewEntity != nil:
		s.state.Begun[m.Child().Entity]++
		if m.Child().Entity == messages.Error {
			s.state.Failures++
		}
	}
	if m.Target != self {
		if m.Child().Entity == messages.Trace && s.state.Ended && !s.state.Implied {
			s.sys.warn(AfterEnd, m)
		}
		return
	}
	s.state.HandedOver = s.state.HandedOver || m.HandOver
	switch {
	case m.Action == messages.End && s.state.Ended:
		s.sys.warn(EndedTwice, m)
	case m.Action == messages.End:
		s.state.Ended = true
	case s.state.Ended && m.Action != messages.None && !afterthought(m.Action):
		s.sys.warn(AfterEnd, m)
	}
}

// inspect answers for the session, or passes the question on to the trace that it is about. The
// session does not know the state of its traces, only which are open.
func (s *session) inspect(m *messages.Inspect) {
	if m.Route.Trace.Entity != messages.Unknown {
		if t := s.traces.find(m.Route.Trace); t != nil {
			s.traces.pass(t, m)
		} else {
			close(m.Reply)
		}
		return
	}
	snapshot := messages.Snapshot{Owner: s.route.Root, Rollup: copied(s.state)}
	for _, t := range s.traces.oldestFirst() {
		if t.own.created && !t.ended {
			snapshot.Children = append(snapshot.Children, t.ref)
		}
	}
	m.Reply <- snapshot
}

// sweep asks the traces to passivate whose grace is over or that are idle. An idle trace may end
// its open entities when it is asked.
func (s *session) sweep(c actor.Context, now time.Time) {
	cfg := &s.sys.cfg
	after := cfg.IdleAfter
	if cfg.AutoEndAfter > 0 {
		after = min(after, cfg.AutoEndAfter)
	}
	for t := range s.traces.all() {
		idle := time.Duration(now.UnixNano() - t.at)
		if t.draining == nil && t.pid != nil && (idle >= after || t.ended && idle >= cfg.Grace) {
			s.traces.drain(c, t, now)
		}
	}
}

// passivate stops the session, unless it has live traces, which it sweeps, or is being finalized. The
// answer carries a record if the session is open: EndOpen must still find it.
func (s *session) passivate(c actor.Context) {
	if s.traces.len() > 0 || s.finalizations > 0 {
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

// endOpen ends the session, after all its traces have ended their open entities.
func (s *session) endOpen(c actor.Context, m *messages.EndOpen) {
	if m.Route == nil || m.Route.Trace.Entity == messages.Unknown {
		s.finalizations++
		s.advance(c, &finalization[traceState]{left: s.traces.oldestFirst(), reason: m.Reason, done: m.Done})
		return
	}
	if t := s.traces.find(m.Route.Trace); t != nil {
		s.traces.pass(t, m)
	} else {
		m.Done()
	}
}

// advance asks the next traces of a finalization. After the last one the session itself ends.
func (s *session) advance(c actor.Context, f *finalization[traceState]) {
	if !s.traces.finalize(c, s.sys, f) {
		return
	}
	if isOpen(&s.state) {
		need, err := s.sys.end(s.route, s.route.Root, f.reason, time.Now())
		if isFull(err) {
			s.sys.waiting.put(c.Self(), need)
			s.waits = append(s.waits, f)
			return
		}
		s.state.Ended = err == nil
		s.count()
	}
	s.finalizations--
	f.done()
}
