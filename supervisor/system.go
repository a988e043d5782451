package supervisor

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Options configure a System. OnFailure and OnDead are required. They are called concurrently,
// on a worker or on the goroutine of a sender, and must not block. A panic in them is recovered
// and counted in Swallowed.
type Options struct {
	// Workers is the number of goroutines that run actors. Values below 1 mean 1.
	Workers int
	// Log receives the texts that the actor library logs at level Warn and above; nil discards
	// them.
	Log *slog.Logger
	// OnFailure is called with each panic in an actor, before the actor receives its next
	// message.
	OnFailure func(Failure)
	// OnDead is called with each message that can no longer reach its actor: queued for an
	// actor that stops, or sent to one that has stopped.
	OnDead func(message any)
}

// System is an actor system under the rules of this package. Its methods may be called
// concurrently. All fields but the last two are immutable after NewSystem.
type System struct {
	opts     Options
	actors   *actor.ActorSystem
	pool     *pool
	strategy *strategy
	stopped  sync.Once    // runs Close once
	swallow  atomic.Int64 // panics in OnFailure and OnDead
}

// NewSystem starts a system with its workers. The caller must Close it. A system costs about
// 3 MB and 10 ms, most of it for the library's process registry, so a process needs only a few.
func NewSystem(opts Options) *System {
	s := &System{opts: opts, pool: newPool(max(1, opts.Workers))}
	s.strategy = &strategy{sys: s}
	s.actors = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet(opts.Log) }),
		// The throttle of dead letters keeps a goroutine for its interval, also after Close.
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithDeadLetterRequestLogging(false),
	)
	s.actors.EventStream.Subscribe(func(event any) {
		if d, ok := event.(*actor.DeadLetterEvent); ok {
			s.dead(d.Message)
		}
	})
	return s
}

// quiet returns the library's logger. It forwards warnings to log, without the message values
// that the library attaches, or discards everything if log is nil.
func quiet(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	}
	return slog.New(warnings{log.Handler()})
}

// Props describes a kind of actor. One Props should serve all actors of the kind, with their
// differences sent in their first message: otherwise 100,000 actors hold 100,000 copies of it.
func (s *System) Props(produce func() actor.Actor) *actor.Props {
	return actor.PropsFromProducer(produce,
		actor.WithGuardian(s.strategy),
		actor.WithMailbox(func() actor.Mailbox { return &Mailbox{sys: s} }),
	)
}

// Spawn starts an actor under the system's strategy. It may be called by actors too.
func (s *System) Spawn(p *actor.Props) *actor.PID { return s.actors.Root.Spawn(p) }

// Send queues a message for an actor and never blocks. A nil address or message is ignored. If
// the actor has stopped, the message goes to OnDead.
func (s *System) Send(to *actor.PID, message any) {
	if to != nil && message != nil {
		s.actors.Root.Send(to, message)
	}
}

// Stop stops an actor after its current message. Messages that are still queued go to OnDead.
// Stop does not wait; nil is ignored.
func (s *System) Stop(pid *actor.PID) {
	if pid != nil {
		s.actors.Root.Stop(pid)
	}
}

// Swallowed returns the number of panics in OnFailure and OnDead that were recovered.
func (s *System) Swallowed() int64 { return s.swallow.Load() }

// Close ends the workers, each after its current message, and waits for them. Messages that are
// queued by then are neither handled nor reported, so the owner must wait for its actors first.
// Calls after the first do nothing. Actors must not call it: it would wait for itself.
func (s *System) Close() {
	s.stopped.Do(func() {
		s.pool.close()
		s.actors.Shutdown()
	})
}

// dead reports a message that nobody will handle.
func (s *System) dead(message any) {
	defer s.recovered()
	s.opts.OnDead(message)
}

// recovered recovers and counts a panic of a callback. It must be deferred directly.
func (s *System) recovered() {
	if r := recover(); r != nil {
		s.swallow.Add(1)
	}
}
