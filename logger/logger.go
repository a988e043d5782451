package logger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/internal/delivery"
	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

// Logger logs the interactions of AI agents. Make one per log repository and process with
// New, and Close it at the end. All methods may be called concurrently; on a nil *Logger
// they do nothing.
type Logger struct {
	*pipeline // nil only in a nil Logger

	repository atomic.Pointer[error] // outcome of the check at start, nil before
	release    func()                // ends the background work
	done       chan struct{}         // closed when the first Close returns
	closeErr   error                 // set before done is closed
}

// New starts a logger. It fails with a *ConfigError if the Config cannot be used and, with
// RequireDurable, with an *Error with ErrSpool if the spool cannot be opened. It does not
// wait for the server: New asks it in the background whether the repository exists, and
// Health and OnError report the answer.
func New(c Config) (*Logger, error) {
	if err := c.effective(); err != nil {
		return nil, err
	}
	c = c.withDefaults(os.Getenv)
	if err := c.validate(); err != nil {
		return nil, err
	}
	client, err := dial(c.destination())
	if err != nil {
		return nil, err
	}
	l, err := start(c, client, nil)
	if err != nil {
		client.Close()
		return nil, err
	}
	l.destinations.primary().release = client.Close
	ctx, cancel := context.WithCancel(context.Background())
	release := l.release
	l.release = func() { cancel(); release() }
	l.background.Go(func() { l.checkRepository(ctx, client) })
	return l, nil
}

// start starts a logger over any backend; fault is for tests of failing actors.
func start(c Config, backend transport.Backend, fault func(*messages.Command)) (*Logger, error) {
	p := &pipeline{cfg: c, ledger: ledger.New(c.MaxBytes)}
	l := &Logger{pipeline: p, release: func() {}, done: make(chan struct{})}
	p.logger = l
	p.console = newConsole(c, p.redact)
	p.report = newReporter(c, p.console)
	d, err := p.open(c.destination(), backend, oldestFirst(c), p.ledger)
	if err != nil {
		p.report.close(context.Background())
		p.console.close()
		return nil, err
	}
	p.destinations.add(d)
	p.sampler = p.newSampler()
	p.actors = actors.Start(p.actorConfig(fault))
	if c.Tail != nil {
		ctx, cancel := context.WithCancel(context.Background())
		l.release = cancel
		p.background.Go(func() { p.decide(ctx) })
	}
	return l, nil
}

// actorConfig returns the configuration of the actors.
func (p *pipeline) actorConfig(fault func(*messages.Command)) actors.Config {
	autoEndAfter := p.cfg.AutoEndAfter
	if p.cfg.DisableAutoEnd {
		autoEndAfter = 0
	}
	workers := 2 * runtime.GOMAXPROCS(0)
	return actors.Config{
		Ledger: p.ledger, Out: p.out, Sampled: p.sampler != nil,
		Workers: workers, Shards: workers,
		IdleAfter: p.cfg.IdleAfter, Grace: min(graceAfterEnd, p.cfg.IdleAfter), AutoEndAfter: autoEndAfter,
		Report: p.event, Log: slog.New(textHandler{p.console}), Fault: fault,
	}
}

// graceAfterEnd is the time that the state of an ended trace is kept, to distinguish a late
// write from a write to an entity of another process.
const graceAfterEnd = 10 * time.Second

// oldestFirst returns how many bytes the primary destination may hold in memory before it
// drops the oldest entries, so that the ledger has room for newer ones. 0 means that it
// never does.
func oldestFirst(c Config) int64 {
	if c.OnFull != FullDropOldest {
		return 0
	}
	return c.MaxBytes / 8 * 3 // for each of the logs of lines and of uploads
}

// checkRepository asks the server once whether the repository exists. A negative answer
// changes nothing but Health: entries are sent all the same.
func (l *Logger) checkRepository(ctx context.Context, client *transport.HTTP) {
	err := client.Repository(ctx)
	if !errors.Is(err, transport.ErrNoRepository) && !errors.Is(err, transport.ErrUnauthorized) {
		return // confirmed, or no answer: then deliveries report the failure
	}
	e := &Error{Reason: ErrRepository, ID: l.cfg.ID, Kept: true, Err: err,
		Detail: "entries are sent all the same; check Config.ID, APIKey and BaseURL"}
	var asError error = e
	l.repository.Store(&asError)
	l.report.tell(e)
}

// ID returns the log repository, "" for a nil Logger.
func (l *Logger) ID() string {
	if l == nil {
		return ""
	}
	return l.cfg.ID
}

// Close ends everything that this process left open (see Config.DisableAutoEnd), writes all
// entries to disk, delivers as many as it can before ctx ends, and stops the logger. If
// entries are on disk, a ctx that is nil or has no deadline ends after 10 seconds. Calls
// after Close are rejected with ErrClosed. A second Close waits for the first and returns
// its result.
//
// If entries are left undelivered, Close returns an *Error with ErrNotDelivered that says
// how many they are and in which folder they are kept: do not discard it. They stay in the
// spool for the next process with the same SpoolDir, BaseURL and ID, and in Stats.Pending.
// Without a disk they are lost, and counted as dropped.
//
// The ends that Close logs wait for room under Config.MaxBytes as calls do, for half of the
// time that ctx has left, but for at least 50 ms. With hundreds of thousands of open
// entities that may not suffice: the rest stays open, is counted in Stats.LeftOpen, and
// Close returns an *Error with ErrNotDelivered that says how many.
func (l *Logger) Close(ctx context.Context) error {
	if l == nil {
		return nil
	}
	ctx = orBackground(ctx)
	if !l.destinations.freeze(&l.closed) {
		select {
		case <-l.done:
			return l.closeErr
		case <-ctx.Done():
			return l.unfinished(ErrNotDelivered, "another call of Close is running", ctx.Err())
		}
	}
	defer close(l.done)
	if _, limited := ctx.Deadline(); !limited && !l.destinations.primary().spool.InMemory() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, closeWait)
		defer cancel()
	}
	// The order: entries out of the actors and destinations, then the background work that they
	// need, then connections, and last the reports, which all of these make.
	l.closeErr = l.shut(ctx)
	l.release()
	l.awaitBackground(ctx)
	for _, d := range l.destinations.list() {
		d.release()
	}
	reporting, cancel := context.WithTimeout(ctx, closeWait)
	defer cancel()
	l.report.close(reporting)
	l.console.close()
	return l.closeErr
}

// closeWait limits how long Close tries to deliver if its context has no deadline: entries
// on disk are safe, and a program must be able to exit while a server is down. It also
// limits how long Close waits for OnError, whatever its context.
const closeWait = 10 * time.Second

// awaitBackground waits for the goroutines of the logger, but not for a custom transport
// that ignores the end of its context.
func (l *Logger) awaitBackground(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		l.background.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		select {
		case <-done:
		case <-time.After(backgroundGrace):
		}
	}
}

// backgroundGrace is the time goroutines have to notice that their context has ended.
const backgroundGrace = 50 * time.Millisecond

// handOverGrace is the time beyond its context that Close may take to get accepted
// entries from the actors into the spools, which waits for no I/O.
const handOverGrace = time.Second

// shut ends open entities and closes the actors, then the sampler, then the destinations:
// each passes its last entries on to the next.
func (l *Logger) shut(ctx context.Context) error {
	reason := "close"
	if l.cfg.DisableAutoEnd {
		reason = ""
	}
	handing, cancel := delivery.WithGrace(ctx, handOverGrace)
	defer cancel()
	ending, stop := timeForEnds(ctx)
	defer stop()
	err := l.actors.Close(handing, ending, reason)
	if l.sampler != nil {
		l.sampler.Finish()
	}
	err = errors.Join(err, l.destinations.each(func(d *destination) error {
		err := d.sink.Close(ctx, true)
		if err != nil && d.spool.InMemory() {
			return delivery.ErrPending // a missing disk is no news
		}
		return err
	}))
	open := l.actors.Counts().LeftOpen
	if err == nil && open == 0 {
		return l.dropped("close")
	}
	e := &Error{Reason: ErrNotDelivered, Err: errors.Join(l.destinations.primary().sink.Health().Err, reasonsIn(err))}
	e.Entries, e.Kept, e.Detail = l.remains(true)
	if open > 0 {
		left := fmt.Sprintf("there was no time to end %d open sessions, traces and parts of traces: they stay open", open)
		e.Detail = strings.Join(slices.DeleteFunc([]string{e.Detail, left}, func(s string) bool { return s == "" }), "; ")
	}
	return e
}

// endsGrace is the least time for ends, whatever the context of Close: a program that is
// asked to stop often has only a context that has ended.
const endsGrace = 50 * time.Millisecond

// timeForEnds returns a context that ends after half of the time that ctx has left, plus
// endsGrace: the other half is for the disk and the server.
func timeForEnds(ctx context.Context) (context.Context, context.CancelFunc) {
	half, cancel := ctx, context.CancelFunc(func() {})
	if deadline, limited := ctx.Deadline(); limited {
		half, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
	}
	ending, stop := delivery.WithGrace(half, endsGrace)
	return ending, func() {
		stop()
		cancel()
	}
}
