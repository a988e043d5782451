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
	// ErrUnknown is returned by Snapshot for an entity that is neither live nor passive here.
	ErrUnknown = errors.New("actors: the entity is not known to this process")
	// ErrStopped is returned after Close.
	ErrStopped = errors.New("actors: the system has stopped")

	errOutPanics = errors.New("handing entries to the sinks panicked every time it was tried")
)

// System is the running actors of one logger. All methods may be called concurrently.
type System struct {
	cfg  Config
	sup  *supervisor.System
	seed maphash.Seed
	dir  *directory

	shards  []*inbox
	writer  *actor.PID
	session *actor.Props
	trace   *actor.Props
	pool    pool
	waiting waitlist
	roots   shared // of the shards' keepers
	traces  shared // of the sessions' keepers

	stop    context.CancelFunc
	running sync.WaitGroup // the sweeper, the postman, and who makes room

	stopped  atomic.Bool
	gone     chan struct{} // closed when no actor runs any more
	panics   atomic.Int64
	dead     atomic.Int64 // messages that missed their actor
	lost     atomic.Int64 // accepted entries that were never handed over
	live     atomic.Int64 // session and trace actors
	orphans  atomic.Int64 // ends that this package emitted
	open     atomic.Int64 // entities that this process began, has not ended and not handed over
	leftOpen atomic.Int64 // open when Close had ended what it could
}

// Start starts the actors.
func Start(cfg Config) *System {
	s := &System{cfg: cfg, seed: maphash.MakeSeed(), dir: newDirectory(), gone: make(chan struct{}), waiting: waitlist{asked: make(chan struct{}, 1)}}
	s.sup = supervisor.NewSystem(supervisor.Options{
		Workers: cfg.Workers, Log: cfg.Log, OnFailure: s.failed, OnDead: s.buried,
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
	s.running.Go(func() { s.carry(ctx, wake) })
	s.running.Go(func() { s.makeRoom(ctx) })
	return s
}

// Tell sends a command to the actors of its route. It never blocks.
func (s *System) Tell(c *messages.Command) { s.shard(c.Route).put(c) }

func (s *System) shard(r *messages.Route) *inbox {
	return s.shards[maphash.String(s.seed, r.Root.ID)%uint64(len(s.shards))]
}

// Register makes ref findable by Lookup until its trace is passivated.
func (s *System) Register(ref messages.Ref, route *messages.Route) { s.dir.put(ref, route) }

// Forget takes back a Register whose entity was never begun.
func (s *System) Forget(ref messages.Ref, route *messages.Route) { s.dir.forget(ref, route) }

// Lookup returns the route of an entity that this process created, or nil.
func (s *System) Lookup(ref messages.Ref) *messages.Route { return s.dir.get(ref) }

// Snapshot returns the live state of a route's owner, behind every call that the
// caller made before. It fails with ErrUnknown, ErrStopped or the error of ctx.
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

// Finalise ends what this process left open below a route, or everything for nil,
// deepest first, and returns when the ends have been emitted or ctx has ended.
func (s *System) Finalise(ctx context.Context, route *messages.Route, reason string) error {
	if s.stopped.Load() {
		return ErrStopped
	}
	done := make(chan struct{})
	if route != nil {
		s.shard(route).send(&messages.Finalise{Route: route, Reason: reason, Done: sync.OnceFunc(func() { close(done) })})
	} else {
		each := countdown(len(s.shards), func() { close(done) })
		for _, shard := range s.shards {
			shard.send(&messages.Finalise{Reason: reason, Done: sync.OnceFunc(each)})
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

// finalised returns the function by which a root or trace reports that a round is done
// with it.
func (s *System) finalised(to *actor.PID, owner messages.Ref, token any) func() {
	return sync.OnceFunc(func() { s.sup.Send(to, &messages.Finalised{Owner: owner, Token: token}) })
}

// countdown returns a function whose n-th call calls then.
func countdown(n int, then func()) func() {
	var left atomic.Int64
	left.Store(int64(n))
	return func() {
		if left.Add(-1) == 0 {
			then()
		}
	}
}

// Handed returns when every entry that was accepted before the call has been handed
// over, or ctx has ended. It waits for no I/O.
func (s *System) Handed(ctx context.Context) error { return s.handed(ctx, s.cfg.Ledger.Barrier()) }

// handed waits behind a barrier of the ledger.
func (s *System) handed(ctx context.Context, barrier func(context.Context) error) error {
	s.postAll()
	return barrier(ctx)
}

// Close ends what is open with the given reason (or leaves it, for ""), hands
// everything over and stops. It closes the ledger. Ends are made until ending ends; what
// is open then stays open and is counted. On the deadline of ctx what is still in the
// actors is lost and counted, and the error of ctx is returned. Nothing runs when Close
// returns; it must be called once.
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
		s.report(Event{Kind: Dropped, Entries: int(left), Err: fmt.Errorf("not handed over before Close gave up: %w", err)})
	}
	if reason != "" {
		s.leftOpen.Store(s.open.Load())
	}
	return err
}

// drain ends what is open and hands everything over. Behind the first barrier every call
// that was admitted has reached its root, so the round of ends comes behind all of them.
// Behind the seal there are no more ends: the last barrier covers those that were made.
func (s *System) drain(ctx, ending context.Context, reason string) error {
	if err := s.handed(ctx, s.cfg.Ledger.Close()); err != nil {
		s.cfg.Ledger.Seal()
		return err
	}
	if reason != "" {
		_ = s.Finalise(ending, nil, reason) // what is left open is counted
	}
	return s.handed(ctx, s.cfg.Ledger.Seal())
}

// sweep wakes the shards from time to time.
func (s *System) sweep(ctx context.Context) {
	every := min(s.cfg.IdleAfter, s.cfg.Linger)
	if s.cfg.OrphanAfter > 0 {
		every = min(every, s.cfg.OrphanAfter)
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

// sendOut gives the writer what was emitted of commands. They stay the actor's own.
func (s *System) sendOut(b *messages.Commands) {
	if len(b.Out) == 0 {
		return
	}
	out := messages.NewCommands()
	out.Out, b.Out = b.Out, out.Out
	out.Sent = true
	s.sup.Send(s.writer, out)
}

// done frees commands that were handled, with what was emitted of them sent. It is the
// last that their actor does: of a list that serves others nobody could tell after a
// failure whether it is finished.
func done(b *messages.Commands) {
	b.Sent = true
	b.Free()
}

// failed is called when an actor panicked, before it goes on: an entry that was not
// emitted is now, so that it keeps its place.
func (s *System) failed(f supervisor.Failure) {
	s.panics.Add(1)
	event := Event{Kind: Panicked, Failure: &f}
	switch m := f.Message.(type) {
	case *messages.Commands:
		if m.Sent {
			s.sup.Send(s.writer, retry{}) // the writer kept what it could not hand over
			break
		}
		c := m.Begun()
		if c == nil {
			break
		}
		f.Message, event.Target, event.Action = c, c.Target, c.Action
		if !c.Emitted && c.Action != messages.None {
			c.Entry.Quarantined = true
			s.cfg.Ledger.Quarantine()
			m.Emit(c)
			event.Entries = 1
		}
	case *messages.Entry, retry:
		s.sup.Send(s.writer, retry{}) // the writer kept what it could not hand over
	case *messages.Inspect:
		close(m.Reply)
	case *messages.Finalise:
		m.Done()
	case *messages.Passivate:
		s.sup.Send(f.Asker, &messages.Passivated{Owner: m.Owner, Declined: true})
	}
	s.report(event)
}

// buried is given a message whose actor has stopped.
func (s *System) buried(message any) {
	switch m := message.(type) {
	case *messages.Commands:
		s.dead.Add(int64(len(m.List)))
		for _, c := range m.List {
			m.Emit(c)
		}
		s.sendOut(m)
		done(m)
		return
	case *messages.Inspect:
		close(m.Reply)
	case *messages.Finalise:
		m.Done()
	}
	s.dead.Add(1)
}

func (s *System) report(e Event) { s.cfg.Report(e) }

// Counts is what the actors count beside the ledger.
type Counts struct {
	Panics     int64 // panics in actors, all contained
	Missed     int64 // messages that found their actor stopped
	Live       int64 // session and trace actors in memory
	Passive    int64 // roots kept as a record only
	Orphans    int64 // entities that were ended for their caller
	Registered int   // ids that can be found
	LeftOpen   int64 // entities that Close had no time to end
	Lost       int64 // accepted entries that were given up on their way to Out
}

// Counts returns the counters.
func (s *System) Counts() Counts {
	return Counts{
		Panics: s.panics.Load() + s.sup.Swallowed(), Missed: s.dead.Load(), Live: s.live.Load(),
		Passive: s.roots.passive.Load(), Orphans: s.orphans.Load(), Registered: s.dir.size(),
		LeftOpen: s.leftOpen.Load(), Lost: s.lost.Load(),
	}
}
