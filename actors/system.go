package actors

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/supervisor"
)

// Errors of a System.
var (
	// ErrUnknown is returned by Snapshot for an entity that is neither live nor passive in this
	// process.
	ErrUnknown = errors.New("actors: the entity is not known to this process")
	// ErrStopped is returned after Close.
	ErrStopped = errors.New("actors: the system has stopped")

	errOutPanics = errors.New("entries discarded: handing them to the destinations panicked at every attempt")
)

// System is the running actors of one logger. All methods may be called concurrently. Fields
// without a type that is safe for concurrent use are immutable after Start.
type System struct {
	cfg  Config
	sup  *supervisor.System
	seed maphash.Seed // for the choice of a shard
	dir  *directory

	// shards are the inboxes of the shards; a root key always has the same shard. session and
	// trace make the actors of sessions and traces.
	shards  []*inbox
	writer  *actor.PID
	session *actor.Props
	trace   *actor.Props

	// pool holds trace actors without a trace, waiting the actors without room for an end. roots
	// and traces are shared by the keepers of all shards and of all sessions.
	pool    pool
	waiting waitlist
	roots   shared
	traces  shared

	// stop ends the goroutines that run sweep, runFlusher and makeRoom.
	stop    context.CancelFunc
	running sync.WaitGroup

	stopped atomic.Bool
	gone    chan struct{} // closed when no actor runs any more

	// The counters; Counts describes those that it returns.
	panics    atomic.Int64
	missed    atomic.Int64
	lost      atomic.Int64
	live      atomic.Int64
	autoEnded atomic.Int64
	leftOpen  atomic.Int64
	// open counts the entities that this process created, and neither ended nor handed over. Each
	// actor adds the changes that it makes.
	open atomic.Int64
}

// Start starts the actors. Close must be called to stop them.
func Start(cfg Config) *System {
	s := &System{cfg: cfg, seed: maphash.MakeSeed(), dir: newDirectory(), gone: make(chan struct{})}
	s.waiting.added = make(chan struct{}, 1)
	s.sup = supervisor.NewSystem(supervisor.Options{
		Workers: cfg.Workers, Log: cfg.Log, OnFailure: s.onFailure, OnDead: s.onDead,
	})
	s.roots.host, s.roots.graceEach, s.roots.graceAll = s, rootsInGrace, math.MaxInt64
	s.traces.host, s.traces.graceEach, s.traces.graceAll = s, tracesInGrace, allTracesInGrace
	s.session = s.sup.Props(func() actor.Actor { return newSession(s) })
	s.trace = s.sup.Props(func() actor.Actor { return &trace{sys: s} })
	s.writer = s.sup.Spawn(s.sup.Props(func() actor.Actor { return &writer{sys: s} }))
	wake := make(chan struct{}, 1)
	for range max(1, cfg.Shards) {
		shard := s.sup.Spawn(s.sup.Props(func() actor.Actor { return newShard(s) }))
		s.shards = append(s.shards, &inbox{sup: s.sup, shard: shard, wake: wake})
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.sweep(ctx) })
	s.running.Go(func() { s.runFlusher(ctx, wake) })
	s.running.Go(func() { s.makeRoom(ctx) })
	return s
}

// Tell sends a command to the actors of its route. It never blocks. The caller must not use the
// command afterwards.
func (s *System) Tell(c *messages.Command) { s.shard(c.Route).put(c) }

// shard returns the inbox for the root key of a route. The seed is random, so ids from outside cannot
// be chosen to fall into one shard.
func (s *System) shard(r *messages.Route) *inbox {
	return s.shards[maphash.String(s.seed, r.Root.ID)%uint64(len(s.shards))]
}

// Register makes Lookup find ref until its trace is passivated. Call it before the creating
// command is sent.
func (s *System) Register(ref messages.Ref, route *messages.Route) { s.dir.put(ref, route) }

// Forget undoes a Register whose entity was not created after all.
func (s *System) Forget(ref messages.Ref, route *messages.Route) { s.dir.forget(ref, route) }

// Lookup returns the route of an entity that this process created, or nil.
func (s *System) Lookup(ref messages.Ref) *messages.Route { return s.dir.get(ref) }

// Snapshot returns the live state of a route's owner. It includes every call that the caller
// made before. It fails with ErrUnknown, ErrStopped or the error of ctx.
func (s *System) Snapshot(ctx context.Context, route *messages.Route) (messages.Snapshot, error) {
	if s.stopped.Load() {
		return messages.Snapshot{}, ErrStopped
	}
	reply := make(chan messages.Snapshot, 1)
	s.shard(route).send(&messages.Inspect{Route: route, Reply: reply})
	select {
	case snapshot, ok := <-reply:
		if !ok {
			return messages.Snapshot{}, ErrUnknown
		}
		return snapshot, nil
	case <-s.gone:
		return messages.Snapshot{}, ErrStopped
	case <-ctx.Done():
		return messages.Snapshot{}, ctx.Err()
	}
}

// EndOpen ends the open entities below a route that this process created, or all of them if
// route is nil, deepest first. It returns when the ends have been emitted, or fails with
// ErrStopped or the error of ctx; ends are still emitted after that.
func (s *System) EndOpen(ctx context.Context, route *messages.Route, reason string) error {
	if s.stopped.Load() {
		return ErrStopped
	}
	done := make(chan struct{})
	if route != nil {
		once := sync.OnceFunc(func() { close(done) })
		s.shard(route).send(&messages.EndOpen{Route: route, Reason: reason, Done: once})
	} else {
		each := countdown(len(s.shards), func() { close(done) })
		for _, shard := range s.shards {
			shard.send(&messages.EndOpen{Reason: reason, Done: sync.OnceFunc(each)})
		}
	}
	select {
	case <-done:
		return nil
	case <-s.gone:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endedOpen returns the Done of an EndOpen that a shard or session sends to a member. It sends
// a message, because Done is called by another actor, or by onFailure.
func (s *System) endedOpen(to *actor.PID, owner messages.Ref, token any) func() {
	return sync.OnceFunc(func() { s.sup.Send(to, &messages.EndedOpen{Owner: owner, Token: token}) })
}

// countdown returns a function that calls then at its n-th call. It may be called concurrently.
func countdown(n int, then func()) func() {
	var left atomic.Int64
	left.Store(int64(n))
	return func() {
		if left.Add(-1) == 0 {
			then()
		}
	}
}

// Dispatched returns nil when every entry that was accepted before the call has been handed to
// Out, or the error of ctx if that ends first. It does not wait for I/O.
func (s *System) Dispatched(ctx context.Context) error {
	return s.dispatched(ctx, s.cfg.Ledger.Barrier())
}

// dispatched waits for a barrier of the ledger. It flushes first, so that the wait does not
// include batchDelay.
func (s *System) dispatched(ctx context.Context, barrier func(context.Context) error) error {
	s.flushAll()
	return barrier(ctx)
}

// Close ends the open entities with the given reason, or leaves them if reason is "", hands
// all entries over and stops the actors. It closes the ledger. Ends are made until ending ends;
// entities that are open then stay open and are counted. When ctx ends, the entries that are
// still in the actors are lost and counted, and the error of ctx is returned. No actor runs when
// Close returns. Close must be called only once.
func (s *System) Close(ctx, ending context.Context, reason string) error {
	err := s.drain(ctx, ending, reason)
	s.stopped.Store(true)
	s.stop()
	s.running.Wait()
	s.sup.Close()
	close(s.gone)
	if account := s.cfg.Ledger.Read(); account.Accepted > account.Handed {
		left := account.Accepted - account.Handed
		s.lost.Add(left)
		why := fmt.Errorf("entries discarded: Close ended before they were handed over: %w", err)
		s.report(Event{Kind: Dropped, Entries: int(left), Err: why})
	}
	if reason != "" {
		s.leftOpen.Store(s.open.Load())
	}
	return err
}

// drain ends the open entities and hands all entries over. The order matters: after the first
// barrier every admitted call has reached its root, so the ends come after all of them. After
// the seal no end can be made, so the last barrier covers all ends.
func (s *System) drain(ctx, ending context.Context, reason string) error {
	if err := s.dispatched(ctx, s.cfg.Ledger.Close()); err != nil {
		s.cfg.Ledger.Seal()
		return err
	}
	if reason != "" {
		_ = s.EndOpen(ending, nil, reason) // entities that stay open are counted
	}
	return s.dispatched(ctx, s.cfg.Ledger.Seal())
}

// sweep sends a Sweep to the shards at regular intervals, until ctx ends. A quarter of the shortest
// time in the Config is precise enough, and a shard with many roots is rarely visited.
func (s *System) sweep(ctx context.Context) {
	every := min(s.cfg.IdleAfter, s.cfg.Grace)
	if s.cfg.AutoEndAfter > 0 {
		every = min(every, s.cfg.AutoEndAfter)
	}
	ticker := time.NewTicker(max(every/4, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, shard := range s.shards {
				shard.send(&messages.Sweep{Now: now})
			}
		}
	}
}

// sendOut sends the entries that were emitted so far to the writer. The batch of commands stays
// with the actor.
func (s *System) sendOut(b *messages.Commands) {
	if len(b.Out) == 0 {
		return
	}
	out := messages.NewCommands()
	out.Out, b.Out = b.Out, out.Out
	out.Sent = true
	s.sup.Send(s.writer, out)
}

// done recycles a handled batch. It must be the actor's last step: once the batch is reused, a
// failure handler could no longer find out whether it was finished.
func done(b *messages.Commands) {
	b.Sent = true
	b.Free()
}

// onFailure is called when an actor has panicked, while it is suspended. An entry that was not
// emitted is emitted now, so that it keeps its place in the order, and whoever waits for an answer
// gets one.
func (s *System) onFailure(f supervisor.Failure) {
	s.panics.Add(1)
	event := Event{Kind: Panicked, Failure: &f}
	switch m := f.Message.(type) {
	case *messages.Commands:
		if m.Sent {
			s.sup.Send(s.writer, retry{}) // the writer has kept its entries
			break
		}
		c := m.Begun()
		if c == nil {
			break
		}
		f.Message, event.Target, event.Action = c, c.Target, c.Action
		if !c.Emitted && c.Action != messages.None {
			s.cfg.Ledger.Salvage()
			m.Emit(c)
			event.Entries = 1
		}
	case *messages.Entry, retry:
		s.sup.Send(s.writer, retry{}) // the writer has kept its entries
	case *messages.Inspect:
		close(m.Reply)
	case *messages.EndOpen:
		m.Done()
	case *messages.Passivate:
		s.sup.Send(f.Asker, &messages.Passivated{Owner: m.Owner, Declined: true})
	}
	s.report(event)
}

// onDead is called with each message that finds its actor stopped. Its entries go out all the
// same.
func (s *System) onDead(message any) {
	switch m := message.(type) {
	case *messages.Commands:
		s.missed.Add(int64(len(m.List)))
		for _, c := range m.List {
			m.Emit(c)
		}
		s.sendOut(m)
		done(m)
		return
	case *messages.Inspect:
		close(m.Reply)
	case *messages.EndOpen:
		m.Done()
	}
	s.missed.Add(1)
}

// report calls Config.Report. The caller may be any actor, or Close.
func (s *System) report(e Event) { s.cfg.Report(e) }

// warn reports a suspicious call. Its entry is delivered all the same: the log shows the events as
// they were reported.
func (s *System) warn(kind EventKind, c *messages.Command) {
	s.report(Event{Kind: kind, Target: c.Target, Action: c.Action, Entries: 1})
}

// Counts holds the counters of the actors; the ledger has the others.
type Counts struct {
	Panics     int64 // panics in actors; all were contained
	Missed     int64 // messages that found their actor stopped
	Live       int64 // session and trace actors in memory
	Passive    int64 // sessions without an actor, kept as a record
	AutoEnded  int64 // entities that were ended because their caller did not
	Registered int   // ids that Lookup finds
	LeftOpen   int64 // entities that Close had no time to end
	Lost       int64 // accepted entries that were discarded before Out took them
}

// Counts returns the counters. They are read one after the other, so they may not match exactly
// while actors run.
func (s *System) Counts() Counts {
	return Counts{
		Panics: s.panics.Load() + s.sup.Swallowed(), Missed: s.missed.Load(), Live: s.live.Load(),
		Passive: s.roots.passive.Load(), AutoEnded: s.autoEnded.Load(), Registered: s.dir.size(),
		LeftOpen: s.leftOpen.Load(), Lost: s.lost.Load(),
	}
}
