package actors

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
)

// shard routes the commands of its root keys to their actors, which it creates,
// passivates and brings back.
type shard struct {
	sys   *System
	roots map[messages.Ref]*root
	// passive are the sessions that are kept as a record only.
	passive map[messages.Ref]*messages.Rollup
	now     int64 // of the last sweep, Unix nanoseconds: precise enough for idleness
	// lingering are roots that have ended, the first to end first. What is in it may have
	// been begun anew since, or be gone.
	lingering fifo[*root]
	busy      []*root // with pending commands

	waits []*round[*root] // those that have no room for the end of a passive session
}

// lingerMost is how many roots of a shard linger after their end, at most: it bounds the
// memory of a program that makes many traces within Config.Linger.
const lingerMost = 128

// root is what a shard keeps of a root key that is live.
type root struct {
	key     messages.Ref
	pid     *actor.PID
	touched int64              // last command, by the shard's clock
	asked   int64              // last Passivate that was declined
	swept   int64              // last Sweep
	ended   bool               // a trace without session that has ended
	gone    bool               // it is not among the roots any more
	lingers bool               // it is in lingering
	pending *messages.Commands // to be passed on, nil between two messages
	settled atomic.Int64       // see messages.Begin
	sent    int64              // Commands sent since Begin
	asking  *backlog           // the actor was asked to passivate
}

func newShard(s *System) *shard {
	return &shard{sys: s, roots: map[messages.Ref]*root{}, passive: map[messages.Ref]*messages.Rollup{}, now: time.Now().UnixNano()}
}

// Receive implements actor.Actor.
func (s *shard) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Commands:
		s.route(c, m)
	case *messages.Inspect:
		s.inspect(m)
	case *messages.Finalise:
		s.finalise(c, m)
	case *messages.Finalised:
		r := m.Token.(*round[*root])
		r.asked--
		s.advance(c, r)
	case *messages.Room:
		waits := s.waits
		s.waits = nil
		for _, r := range waits {
			s.advance(c, r)
		}
	case *messages.Sweep:
		s.sweep(c, m.Now)
	case *messages.Passivated:
		s.passivated(m)
	}
}

// route hands commands to their roots.
func (s *shard) route(c actor.Context, b *messages.Commands) {
	for m := b.Next(); m != nil; m = b.Next() {
		r := s.root(m.Route)
		r.touched = s.now
		r.ended = m.Action == messages.End && m.Target == m.Route.Root || r.ended && m.Birth == nil
		if r.pending == nil {
			r.pending = messages.NewCommands()
			if r.pid == nil {
				r.pending.Start = s.begin(r, m.Route)
			}
			s.busy = append(s.busy, r)
		}
		r.pending.Add(m)
	}
	s.sys.sendOut(b) // of commands at which the shard failed
	s.forward(c)
	done(b)
}

// forward hands on what was put aside for roots.
func (s *shard) forward(c actor.Context) {
	for _, r := range s.busy {
		commands := r.pending
		if commands == nil {
			continue // it was handed on before a failure
		}
		r.pending = nil
		s.pass(r, commands)
		if r.ended && !r.lingers {
			s.linger(c, r)
		}
	}
	clear(s.busy)
	s.busy = s.busy[:0]
}

// root returns the root of a route.
func (s *shard) root(route *messages.Route) *root {
	r, _ := route.RootAt.(*root)
	if r == nil || r.gone {
		if r = s.roots[route.Root]; r == nil {
			r = &root{key: route.Root, touched: s.now}
			s.roots[route.Root] = r
		}
		route.RootAt = r
	}
	return r
}

// live returns the root of a route with a running actor.
func (s *shard) live(route *messages.Route) *root {
	r := s.root(route)
	if r.pid == nil {
		s.spawn(r, route)
	}
	return r
}

// spawn gives a root an actor.
func (s *shard) spawn(r *root, route *messages.Route) {
	start := s.begin(r, route)
	s.sys.sup.Send(r.pid, &start)
}

// begin gives a root an actor, and returns what that is to begin with.
func (s *shard) begin(r *root, route *messages.Route) messages.Begin {
	owner := route
	if route.Root.Entity == messages.Session {
		if route.Trace.Entity != messages.Unknown {
			owner = messages.NewRoute(route.Root, messages.Ref{})
		}
		r.pid = s.sys.sup.Spawn(s.sys.session)
		s.sys.live.Add(1)
	} else {
		r.pid = s.sys.beginTrace()
	}
	state := s.passive[r.key]
	if state != nil {
		delete(s.passive, r.key)
		s.sys.passives.Add(-1)
	}
	r.sent = 0
	r.settled.Store(0)
	return messages.Begin{Route: owner, State: state, Settled: &r.settled}
}

// pass hands a message on, or holds it back while the actor may be about to stop.
func (s *shard) pass(r *root, message any) {
	if r.asking != nil {
		r.asking.messages = append(r.asking.messages, message)
		return
	}
	s.send(r, message)
}

func (s *shard) send(r *root, message any) {
	if _, ok := message.(*messages.Commands); ok {
		r.sent++
	}
	s.sys.sup.Send(r.pid, message)
}

func (s *shard) inspect(m *messages.Inspect) {
	r, state := s.roots[m.Route.Root], s.passive[m.Route.Root]
	switch {
	case r != nil:
		s.pass(r, m)
	case state != nil && m.Route.Trace.Entity == messages.Unknown:
		m.Reply <- messages.Snapshot{Owner: m.Route.Root, Rollup: copied(*state)}
	default:
		close(m.Reply)
	}
}

func (s *shard) finalise(c actor.Context, m *messages.Finalise) {
	if m.Route != nil {
		if s.roots[m.Route.Root] == nil && s.passive[m.Route.Root] == nil {
			m.Done()
			return
		}
		s.pass(s.live(m.Route), m)
		return
	}
	s.advance(c, &round[*root]{left: slices.Collect(maps.Values(s.roots)), reason: m.Reason, done: m.Done})
}

// advance asks the next roots of a round; behind the last one the passive sessions end,
// without an actor.
func (s *shard) advance(c actor.Context, r *round[*root]) {
	for next, ok := r.next(s.sys.cfg.Ledger.Sealed()); ok; next, ok = r.next(s.sys.cfg.Ledger.Sealed()) {
		if next.pid != nil {
			r.asked++
			s.pass(next, &messages.Finalise{Reason: r.reason, Done: s.sys.finalised(c.Self(), next.key, r)})
		}
	}
	if r.asked > 0 {
		return
	}
	for ref := range s.passive {
		need, err := s.sys.end(messages.NewRoute(ref, messages.Ref{}), ref, r.reason, time.Now())
		if full(err) {
			s.sys.waiting.put(c.Self(), need)
			s.waits = append(s.waits, r)
			return
		}
		if err != nil {
			break // Close has no more time
		}
		delete(s.passive, ref)
		s.sys.passives.Add(-1)
		s.sys.open.Add(-1)
	}
	r.done()
}

// linger notes that a root has ended, and gives up the one that ended first if there are
// too many. Roots that are sessions end too; they are rarer, and cost no more.
func (s *shard) linger(c actor.Context, r *root) {
	s.lingering.push(r)
	r.lingers = true
	for s.lingering.len() > lingerMost {
		first := s.lingering.pop()
		first.lingers = false
		switch {
		case !first.ended || first.pid == nil || first.asking != nil || first.pending != nil:
		case first.key.Entity != messages.Session && first.sent > 0 && first.settled.Load() == first.sent && s.sys.giveUp(first.pid):
			s.forget(first)
		default:
			first.asking = ask(c, first.pid, first.key, time.Unix(0, s.now))
		}
	}
}

// sweep asks idle roots to passivate and lets busy ones look after their traces.
func (s *shard) sweep(c actor.Context, now time.Time) {
	s.now = now.UnixNano()
	cfg := &s.sys.cfg
	for _, r := range s.roots {
		if r.asking != nil {
			continue
		}
		patience := cfg.IdleAfter
		if r.ended {
			patience = cfg.Linger
		}
		switch idle := time.Duration(s.now - r.touched); {
		case idle < patience:
			s.look(c, r, now)
		case time.Duration(s.now-r.asked) >= patience/2:
			r.asking = ask(c, r.pid, r.key, now)
		}
	}
}

// look lets a root look after itself: a session after its traces where something happened
// lately, and everybody often enough to find what was forgotten in time.
func (s *shard) look(c actor.Context, r *root, now time.Time) {
	cfg := &s.sys.cfg
	lately := r.key.Entity == messages.Session && r.touched >= r.swept-2*int64(cfg.Linger)
	due := cfg.OrphanAfter > 0 && s.now-r.swept >= int64(cfg.OrphanAfter/4)
	if lately || due {
		r.swept = s.now
		c.Send(r.pid, &messages.Sweep{Now: now})
	}
}

func (s *shard) passivated(m *messages.Passivated) {
	r := s.roots[m.Owner]
	if r == nil || r.asking == nil {
		return
	}
	held := r.asking.messages
	r.asking, r.asked = nil, s.now
	if !m.Declined {
		if m.Owner.Entity != messages.Session {
			s.sys.endTrace(r.pid)
		}
		r.pid = nil
		if m.State != nil {
			s.passive[m.Owner] = m.State
			s.sys.passives.Add(1)
		}
		if len(held) == 0 {
			s.forget(r)
		}
	}
	for _, message := range held {
		if r.pid == nil {
			s.spawn(r, routeOf(message, m.Owner))
		}
		s.send(r, message)
	}
}

// forget gives up a root that is not live any more.
func (s *shard) forget(r *root) {
	r.pid, r.gone = nil, true
	delete(s.roots, r.key)
}

// routeOf returns the route of a message that was held back for a root.
func routeOf(message any, owner messages.Ref) *messages.Route {
	switch m := message.(type) {
	case *messages.Commands:
		return m.List[0].Route
	case *messages.Inspect:
		return m.Route
	default:
		return messages.NewRoute(owner, messages.Ref{})
	}
}
