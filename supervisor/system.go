package supervisor

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Options configure a System. OnFailure and OnDead are required; they run on a
// worker or on the goroutine of a sender, must not block, and a panic in them is
// swallowed and counted.
type Options struct {
	// Workers is the number of goroutines that run actors.
	Workers int
	// Log receives what the actor library logs at Warn and above; nil discards it.
	Log *slog.Logger
	// OnFailure is told of a panic in an actor before the actor resumes with its
	// next message.
	OnFailure func(Failure)
	// OnDead is given each message that can no longer reach its actor.
	OnDead func(message any)
}

// System is an actor system under the rules of this package. Its methods may be
// called concurrently.
type System struct {
	opts     Options
	actors   *actor.ActorSystem
	pool     *pool
	strategy *strategy
	stopped  sync.Once
	swallow  atomic.Int64
}

// NewSystem starts a system. It costs about 3 MB and 10 ms, most of it in the
// library's process registry.
func NewSystem(opts Options) *System {
	s := &System{opts: opts, pool: newPool(max(1, opts.Workers))}
	s.strategy = &strategy{sys: s}
	s.actors = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet(opts.Log) }),
		// A throttle window holds a goroutine for its length.
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

// quiet returns a logger that passes warnings on, without the message values that
// the library attaches to dead letters.
func quiet(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	}
	return slog.New(warnings{log.Handler()})
}

// Props describes a kind of actor. One Props serves any number of actors: what
// differs between them comes by their first message, so that 100,000 actors do not
// hold 100,000 copies of it.
func (s *System) Props(produce func() actor.Actor) *actor.Props {
	return actor.PropsFromProducer(produce,
		actor.WithGuardian(s.strategy),
		actor.WithMailbox(func() actor.Mailbox { return &Mailbox{sys: s} }),
	)
}

// Spawn starts an actor.
func (s *System) Spawn(p *actor.Props) *actor.PID { return s.actors.Root.Spawn(p) }

// Send queues a message for an actor; it never blocks. A nil address or message is
// ignored.
func (s *System) Send(to *actor.PID, message any) {
	if to != nil && message != nil {
		s.actors.Root.Send(to, message)
	}
}

// Stop stops an actor before its next message; what it had queued goes to OnDead.
func (s *System) Stop(pid *actor.PID) {
	if pid != nil {
		s.actors.Root.Stop(pid)
	}
}

// Swallowed counts panics in OnFailure and OnDead.
func (s *System) Swallowed() int64 { return s.swallow.Load() }

// Close ends the workers, each after the message it is at, and waits for them. What is
// queued by then is never processed, so the owner drains first. It may be called more
// than once.
func (s *System) Close() {
	s.stopped.Do(func() {
		s.pool.close()
		s.actors.Shutdown()
	})
}

func (s *System) dead(message any) {
	defer s.recovered()
	s.opts.OnDead(message)
}

func (s *System) recovered() {
	if r := recover(); r != nil {
		s.swallow.Add(1)
	}
}
