package logger

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

// Logger logs the interactions of AI agents. Make one per log repository and
// process with New, and Close it at the end. All methods may be called
// concurrently; on a nil *Logger they do nothing.
type Logger struct {
	cfg    Config
	log    *slog.Logger
	ledger *ledger.Ledger
	actors *actors.System
	report *reporter

	closed     atomic.Bool
	done       chan struct{}         // closed when the first Close returns
	closeErr   error                 // set before done is closed
	repository atomic.Pointer[error] // outcome of the check at start
	background sync.WaitGroup
	contents   sync.Once // says that contents of attachments are not uploaded
	release    func()    // ends the background work and the transport
}

// New starts a logger. It fails with a *ConfigError, and never because the server
// cannot be reached: that is asked in the background, and Health and OnError tell.
func New(c Config) (*Logger, error) {
	c = c.withDefaults(os.Getenv)
	if err := c.validate(); err != nil {
		return nil, err
	}
	sender, err := newHTTPSender(c)
	if err != nil {
		return nil, err
	}
	l := start(c, sender, nil)
	ctx, cancel := context.WithCancel(context.Background())
	l.release = func() {
		cancel()
		l.background.Wait()
		sender.close()
	}
	l.background.Go(func() { l.checkRepository(ctx, sender) })
	return l, nil
}

// start starts a logger over any sender; fault is for tests of failing actors.
func start(c Config, sender actors.Sender, fault func(*messages.Command)) *Logger {
	l := &Logger{cfg: c, log: c.Slog, ledger: ledger.New(c.MaxBytes), report: newReporter(c), release: func() {}, done: make(chan struct{})}
	age := c.FlushInterval
	if c.ManualFlush {
		age = -1
	}
	orphanAfter := c.OrphanAfter
	if c.KeepOrphans {
		orphanAfter = 0
	}
	l.actors = actors.Start(actors.Config{
		Ledger: l.ledger, Queue: spool.NewMemory(), Sender: sender,
		BatchEntries: MaxBatchEntries, BatchBytes: MaxBatchBytes, BatchAge: age,
		Workers: workers(), Shards: 4 * workers(),
		IdleAfter: c.IdleAfter, Linger: min(lingerAfterEnd, c.IdleAfter), OrphanAfter: orphanAfter,
		Report: l.event, Log: c.Slog, Fault: fault,
	})
	return l
}

// checkRepository asks the server once whether the repository exists. A negative
// answer changes nothing but Health: entries are sent all the same.
func (l *Logger) checkRepository(ctx context.Context, s *httpSender) {
	err := s.http.Repository(ctx)
	if !errors.Is(err, transport.ErrNoRepository) && !errors.Is(err, transport.ErrUnauthorized) {
		return // confirmed, or no answer: deliveries will tell
	}
	e := &Error{Reason: ErrRepository, ID: l.cfg.ID, Kept: true, Err: err,
		Detail: "entries are sent all the same; check Config.ID, APIKey and BaseURL"}
	var asError error = e
	l.repository.Store(&asError)
	l.report.tell(e)
}

// ID returns the log repository.
func (l *Logger) ID() string {
	if l == nil {
		return ""
	}
	return l.cfg.ID
}

// Flush sends what was accepted before the call and waits until the server has
// acknowledged it, or ctx ends. Then the error is an *Error with ErrNotDelivered
// that tells how many entries are pending; they stay in the queue, and sending goes
// on. Entries that the server refused for good do not make it fail: see Stats.Dead.
func (l *Logger) Flush(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.undelivered(l.actors.Flush(ctx), "flush")
}

// Close ends what this process left open (see Config.KeepOrphans), flushes, and
// stops the logger. When ctx ends first, what is still pending is given up, counted
// in Stats, and told in an *Error with ErrNotDelivered. Calls after Close are
// rejected with ErrClosed. A second Close returns what the first did.
func (l *Logger) Close(ctx context.Context) error {
	if l == nil {
		return nil
	}
	if !l.closed.CompareAndSwap(false, true) {
		select {
		case <-l.done:
			return l.closeErr
		case <-ctx.Done():
			return l.undelivered(ctx.Err(), "close")
		}
	}
	defer close(l.done)
	reason := "close"
	if l.cfg.KeepOrphans {
		reason = ""
	}
	l.closeErr = l.undelivered(l.actors.Close(ctx, reason), "close")
	if e := (*Error)(nil); errors.As(l.closeErr, &e) {
		e.Entries = int(l.ledger.Read().Causes[actors.ReasonClosed])
	}
	l.release()
	l.report.close(ctx)
	return l.closeErr
}

// undelivered wraps the error of a wait that ended too early.
func (l *Logger) undelivered(err error, what string) error {
	if err == nil {
		return nil
	}
	account := l.ledger.Read()
	return &Error{
		Reason: ErrNotDelivered, Entries: int(account.Pending()), Kept: what == "flush",
		Detail: what + " ended before everything was acknowledged", Err: errors.Join(err, l.actors.DeliveryError()),
	}
}

// reject counts and reports a call that is not accepted, or panics with it.
func (l *Logger) reject(err *Error) {
	l.report.count(err)
	if l.cfg.RaiseExceptions {
		err.Kept = false // the panic ends the call
		panic(err)
	}
	l.report.tell(err)
}

// line begins the line of a call on ref; nil means that the call is rejected.
func (l *Logger) line(ref messages.Ref, action messages.Action) *wire.Encoder {
	if l.closed.Load() {
		l.reject(l.problem(ref, action, ErrClosed, "the call came after Close"))
		return nil
	}
	e := wire.NewEncoder()
	e.Begin(ref.Entity.String(), ref.ID, action.String())
	return e
}

func (l *Logger) problem(ref messages.Ref, action messages.Action, reason error, detail string) *Error {
	return &Error{Reason: reason, Entity: ref.Entity.String(), ID: ref.ID, Action: action.String(), Detail: detail, Entries: 1}
}

// send admits the finished line of c and hands it to the actors. It gives the
// encoder back and reports whether the entry was accepted.
func (l *Logger) send(e *wire.Encoder, c *messages.Command) bool {
	line := e.Finish()
	e.Release()
	if len(line) > MaxEntryBytes {
		l.reject(l.problem(c.Target, c.Action, ErrTooLarge, tooLarge(len(line))))
		return false
	}
	epoch, err := l.ledger.Admit(len(line), l.cfg.MaxWait)
	if err != nil {
		l.reject(l.refusal(c, len(line), err))
		return false
	}
	if l.cfg.Debug {
		l.debug(line)
	}
	c.Entry = messages.Entry{Line: line, Epoch: epoch}
	c.At = time.Now()
	l.actors.Tell(c)
	return true
}

func (l *Logger) refusal(c *messages.Command, size int, err error) *Error {
	switch {
	case errors.Is(err, ledger.ErrClosed):
		return l.problem(c.Target, c.Action, ErrClosed, "the call came after Close")
	case errors.Is(err, ledger.ErrTooLarge):
		return l.problem(c.Target, c.Action, ErrTooLarge, tooLarge(size)+", or Config.MaxBytes is too small")
	default:
		return l.problem(c.Target, c.Action, ErrBackpressure, "the server does not keep up; see Health, or raise Config.MaxBytes")
	}
}

// newID makes an id for an entity that was given none.
func newID() string { return uuid.NewString() }
