package actors

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
)

// rootsInGrace limits how many roots of a shard are in grace. It bounds the memory of a
// program that makes many traces within Config.Grace.
const rootsInGrace = 128

// shard routes the commands of its root keys to their actors, which it creates,
// passivates and brings back. The actor owns all fields.
type shard struct {
	sys   *System
	roots keeper[rootState]
	now   int64 // time of the last sweep, Unix nanoseconds: precise enough for idleness
	// waits are the finalizations that have no room for the end of a passive session.
	waits []*finalization[rootState]
}

// root is the shard's record of a live root key.
type root = member[rootState]

// rootState is the state that a shard adds to a member of its keeper: times in Unix nanoseconds,
// 0 for never.
type rootState struct {
	declined int64 // when it last declined to passivate
	swept    int64 // when it was last sent a Sweep
}

// newShard returns the actor of a shard.
func newShard(s *System) *shard {
	return &shard{sys: s, roots: keeper[rootState]{shared: &s.roots}, now: time.Now().UnixNano()}
}

// Receive implements actor.Actor.
func (s *shard) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *messages.Commands:
		s.route(c, m)
	case *messages.EndedOpen:
		f := m.Token.(*finalization[rootState])
		f.asked--
		s.advance(c, f)
	case *messages.Room:
		waits := s.waits
		s.waits = nil
		for _, f := range waits {
			s.advance(c, f)
		}
	case *messages.Sweep:
		s.sweep(c, m.Now)
	case *messages.Passivated:
		declined := s.roots.passivated(m, func(message any) { s.control(c, message) })
		if declined != nil {
			declined.own.declined = s.now
		}
	default:
		s.control(c, m)
	}
}

// control handles the questions of callers; one that waited for a draining root is asked
// again.
func (s *shard) control(c actor.Context, message any) {
	switch m := message.(type) {
	case *messages.Inspect:
		s.inspect(m)
	case *messages.EndOpen:
		s.endOpen(c, m)
	}
}

// route hands commands to their roots. The shard emits no entries, except for commands on which it
// has panicked: those were emitted by onFailure, and never reach their root.
func (s *shard) route(c actor.Context, b *messages.Commands) {
	for m := b.Next(); m != nil; m = b.Next() {
		s.roots.assign(s.root(m.Route), m, s.now)
	}
	s.sys.sendOut(b) // entries of commands on which the shard failed
	s.roots.forward(c)
	done(b)
}

// root returns the root of a route. The route caches it until it is removed.
func (s *shard) root(route *messages.Route) *root {
	r, _ := route.RootAt.(*root)
	if r == nil || r.pid == nil {
		r = s.roots.get(route.Root)
		route.RootAt = r
	}
	return r
}

// inspect passes the question on to the root, or answers for a passive session from its record.
func (s *shard) inspect(m *messages.Inspect) {
	r, state := s.roots.find(m.Route.Root), s.roots.passive[m.Route.Root]
	switch {
	case r != nil:
		s.roots.pass(r, m)
	case state != nil && m.Route.Trace.Entity == messages.Unknown:
		m.Reply <- messages.Snapshot{Owner: m.Route.Root, Rollup: copied(*state)}
	default:
		close(m.Reply)
	}
}

// endOpen ends the open entities of one root, bringing back a passive session for it, or of all
// roots.
func (s *shard) endOpen(c actor.Context, m *messages.EndOpen) {
	switch {
	case m.Route == nil:
		s.advance(c, &finalization[rootState]{left: slices.Collect(s.roots.all()), reason: m.Reason, done: m.Done})
	case s.roots.find(m.Route.Root) == nil && s.roots.passive[m.Route.Root] == nil:
		m.Done()
	default:
		s.roots.pass(s.roots.live(m.Route.Root, m.Route, s.now), m)
	}
}

// advance asks the next roots of a finalization. After the last one it ends the passive
// sessions itself, without an actor.
func (s *shard) advance(c actor.Context, f *finalization[rootState]) {
	if !s.roots.finalize(c, s.sys, f) {
		return
	}
	for ref := range s.roots.passive {
		need, err := s.sys.end(messages.NewRoute(ref, messages.Ref{}), ref, f.reason, time.Now())
		if isFull(err) {
			s.sys.waiting.put(c.Self(), need)
			s.waits = append(s.waits, f)
			return
		}
		if err != nil {
			break // Close has no more time
		}
		s.roots.take(ref)
		s.sys.open.Add(-1)
	}
	f.done()
}

// sweep asks idle roots to passivate and lets the others look after their traces. A root that has
// declined is asked again after half of the time, because it may have ended its entities since.
func (s *shard) sweep(c actor.Context, now time.Time) {
	s.now = now.UnixNano()
	for r := range s.roots.all() {
		if r.draining != nil || r.pid == nil {
			continue
		}
		after := s.sys.cfg.IdleAfter
		if r.ended {
			after = s.sys.cfg.Grace
		}
		switch idle := time.Duration(s.now - r.at); {
		case idle < after:
			s.look(c, r, now)
		case time.Duration(s.now-r.own.declined) >= after/2:
			s.roots.drain(c, r, now)
		}
	}
}

// look sends a Sweep to a root that may have to look after itself: a session with recent
// calls, for its traces, and every root often enough to auto-end entities in time.
func (s *shard) look(c actor.Context, r *root, now time.Time) {
	cfg := &s.sys.cfg
	recent := r.ref.Entity == messages.Session && r.at >= r.own.swept-2*int64(cfg.Grace)
	due := cfg.AutoEndAfter > 0 && s.now-r.own.swept >= int64(cfg.AutoEndAfter/4)
	if recent || due {
		r.own.swept = s.now
		c.Send(r.pid, &messages.Sweep{Now: now})
	}
}
