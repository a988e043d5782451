package logger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/internal/delivery"
	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/sampling"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

// Logger logs the interactions of AI agents. Make one per log repository and
// process with New, and Close it at the end. All methods may be called
// concurrently; on a nil *Logger they do nothing.
type Logger struct {
	cfg    Config
	ledger *ledger.Ledger
	actors *actors.System
	report *reporter
	slog   *console

	derived derivedIDs
	sampler *sampling.Sampler // nil logs everything

	destinations atomic.Pointer[[]*destination] // the primary first; never shrinks
	growing      sync.Mutex                     // held while destinations grows or Close begins
	told         atomic.Int64                   // dropped entries that Sync and Flush told of

	closed     atomic.Bool
	done       chan struct{}         // closed when the first Close returns
	closeErr   error                 // set before done is closed
	repository atomic.Pointer[error] // outcome of the check at start
	background sync.WaitGroup
	release    func() // ends the background work
}

// New starts a logger. It fails with a *ConfigError, with RequireDurable also with an
// *Error with ErrSpool, and never because the server cannot be reached: that is asked
// in the background, and Health and OnError tell.
func New(c Config) (*Logger, error) {
	if err := c.effective(); err != nil {
		return nil, err
	}
	c = c.withDefaults(os.Getenv)
	if err := c.validate(); err != nil {
		return nil, err
	}
	client, err := dial(c)
	if err != nil {
		return nil, err
	}
	l, err := start(c, client, nil)
	if err != nil {
		client.Close()
		return nil, err
	}
	l.primary().release = client.Close
	ctx, cancel := context.WithCancel(context.Background())
	ends := l.release
	l.release = func() { cancel(); ends() }
	l.background.Go(func() { l.checkRepository(ctx, client) })
	return l, nil
}

// start starts a logger over any client; fault is for tests of failing actors.
func start(c Config, client transport.Backend, fault func(*messages.Command)) (*Logger, error) {
	l := &Logger{cfg: c, ledger: ledger.New(c.MaxBytes), release: func() {}, done: make(chan struct{})}
	l.slog = newConsole(c, l.redact)
	l.report = newReporter(c, l.slog)
	d, err := l.open(c, client, oldestFirst(c), l.ledger)
	if err != nil {
		l.report.close(context.Background())
		l.slog.close()
		return nil, err
	}
	l.destinations.Store(&[]*destination{d})
	orphanAfter := c.OrphanAfter
	if c.KeepOrphans {
		orphanAfter = 0
	}
	l.sample()
	l.actors = actors.Start(actors.Config{
		Ledger: l.ledger, Out: l.out, Sampled: l.sampler != nil,
		Workers: workers(), Shards: workers(),
		IdleAfter: c.IdleAfter, Grace: min(lingerAfterEnd, c.IdleAfter), AutoEndAfter: orphanAfter,
		Report: l.event, Log: slog.New(textHandler{l.slog}), Fault: fault,
	})
	if c.Tail != nil {
		ctx, cancel := context.WithCancel(context.Background())
		l.release = cancel
		l.background.Go(func() { l.decide(ctx) })
	}
	return l, nil
}

// oldestFirst is what the primary destination may hold in memory before it drops the
// oldest, so that the ledger has room for newer ones; 0 where it never does.
func oldestFirst(c Config) int64 {
	if c.OnFull != DropOldest {
		return 0
	}
	return c.MaxBytes / 8 * 3 // for each of the logs of lines and of uploads
}

// checkRepository asks the server once whether the repository exists. A negative
// answer changes nothing but Health: entries are sent all the same.
func (l *Logger) checkRepository(ctx context.Context, client *transport.HTTP) {
	err := client.Repository(ctx)
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

// Close ends what this process left open (see Config.KeepOrphans), makes everything
// safe, delivers what it can before ctx ends, and stops the logger. A ctx without a
// deadline, or nil, ends after 10 seconds where entries are on disk. If entries are left
// then, Close returns an *Error with ErrNotDelivered that says how many they are and in
// which folder they are kept: do not discard it. They stay in the spool for the next
// process with the same SpoolDir, BaseURL and ID, and in Stats.Pending; where there is no
// disk they are given up and counted as dropped. Calls after Close are
// rejected with ErrClosed. A second Close returns what the first did.
//
// Ends wait for room under Config.MaxBytes as calls do, and are made for half of the time
// that ctx has left (50 ms at least). With hundreds of thousands of open entities that may
// not be enough: the others stay open, are counted in Stats.LeftOpen, and Close returns an
// *Error with ErrNotDelivered that says how many.
func (l *Logger) Close(ctx context.Context) error {
	if l == nil {
		return nil
	}
	ctx = orBackground(ctx)
	if !l.closing() {
		select {
		case <-l.done:
			return l.closeErr
		case <-ctx.Done():
			return l.unfinished(ErrNotDelivered, "another call of Close is under way", ctx.Err())
		}
	}
	defer close(l.done)
	if _, limited := ctx.Deadline(); !limited && !l.primary().spool.InMemory() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, closeWait)
		defer cancel()
	}
	l.closeErr = l.shut(ctx)
	l.release()
	l.awaitBackground(ctx)
	for _, d := range *l.destinations.Load() {
		d.release()
	}
	reporting, cancel := context.WithTimeout(ctx, closeWait)
	defer cancel()
	l.report.close(reporting)
	l.slog.close()
	return l.closeErr
}

// closeWait is how long Close tries to deliver where its context sets no limit: what is
// on disk is safe, and a program that ends must not hang on a server that is down. It does
// not wait longer for OnError either, whatever its context.
const closeWait = 10 * time.Second

// awaitBackground waits for the goroutines of the logger, but not for a custom transport
// that ignores that its context has ended.
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

// backgroundGrace is how long goroutines have to notice that everything has ended.
const backgroundGrace = 50 * time.Millisecond

// closing reports true to the first that asks.
func (l *Logger) closing() bool {
	l.growing.Lock()
	defer l.growing.Unlock()
	return l.closed.CompareAndSwap(false, true)
}

// handOver is how much longer than its context Close may take to get accepted
// entries from the actors to the spools: no I/O is waited for.
const handOver = time.Second

func (l *Logger) shut(ctx context.Context) error {
	reason := "close"
	if l.cfg.KeepOrphans {
		reason = ""
	}
	handing, cancel := delivery.WithGrace(ctx, handOver)
	defer cancel()
	ending, stop := timeForEnds(ctx)
	defer stop()
	err := l.actors.Close(handing, ending, reason)
	if l.sampler != nil {
		l.sampler.Finish()
	}
	err = errors.Join(err, l.each(func(d *destination) error {
		err := d.sink.Close(ctx, true)
		if err != nil && d.spool.InMemory() {
			return delivery.ErrPending // that there is no disk is no news
		}
		return err
	}))
	open := l.actors.Counts().LeftOpen
	if err == nil && open == 0 {
		return l.dropped("close")
	}
	e := &Error{Reason: ErrNotDelivered, Err: errors.Join(l.primary().sink.Health().Err, reasonsIn(err))}
	e.Entries, e.Kept, e.Detail = l.remains(true)
	if open > 0 {
		left := fmt.Sprintf("there was no time to end %d open sessions, traces and parts of traces: they stay open", open)
		e.Detail = strings.Join(slices.DeleteFunc([]string{e.Detail, left}, func(s string) bool { return s == "" }), "; ")
	}
	return e
}

// endsGrace is how long ends are made at least, whatever the context of Close says: a
// program that is told to stop has often nothing but a context that has ended.
const endsGrace = 50 * time.Millisecond

// timeForEnds returns a context that ends after half of the time that ctx has left, and
// endsGrace: the rest of the time is for the disk and the server.
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
	e.Mask(l.cfg.Mask)
	return e
}

func (l *Logger) problem(ref messages.Ref, action messages.Action, reason error, detail string) *Error {
	return &Error{Reason: reason, Entity: ref.Entity.String(), ID: ref.ID, Action: action.String(), Detail: detail, Entries: 1}
}

// send admits the finished line of c and hands it to the actors. It gives the
// encoder back and reports whether the entry was accepted.
func (l *Logger) send(e *wire.Encoder, c *messages.Command) bool {
	c.At = e.At().UnixNano()
	c.Entry.Line = e.Finish()
	cuts := e.Cuts()
	e.Release()
	if l.cfg.OmitContent {
		c.Entry.Line = omit(c.Entry.Line)
	}
	if l.cfg.Mask != nil && !l.masked(c) {
		return false
	}
	if len(cuts) > 0 || len(c.Entry.Line) > l.room(c) {
		l.fit(c, cuts)
	}
	if data := c.Entry.Line[dataStart(c.Entry.Line):]; wire.TooDeep(data) {
		l.reject(l.problem(c.Target, c.Action, ErrUnencodable, "its data is nested more than "+strconv.Itoa(protocol.MaxDepth)+" levels deep"))
		return false
	}
	wait := l.cfg.MaxWait
	if l.cfg.OnFull == DropNewest {
		wait = 0
	}
	var err error
	if c.Entry.Epoch, err = l.ledger.Admit(c.Entry.Cost(), wait); err != nil {
		l.reject(l.refusal(c, err))
		return false
	}
	if l.cfg.Debug {
		l.slog.add(note{at: time.Now(), level: slog.LevelDebug, text: "troupe: accepted", line: c.Entry.Line})
	}
	if l.sampler != nil {
		c.Entry.Of = c
	}
	l.actors.Tell(c)
	if l.cfg.Durability == SyncEach {
		l.syncEach(c)
	}
	return true
}

// masked masks the line of c, or rejects the call.
func (l *Logger) masked(c *messages.Command) bool {
	keyAt := 0
	if c.Entry.Upload != nil {
		keyAt = c.Entry.Upload.KeyAt
	}
	line, keyAt, ok := mask(c.Entry.Line, keyAt, l.cfg.Mask)
	if !ok {
		l.reject(l.problem(c.Target, c.Action, ErrMask, "Config.Mask panicked; nothing of the call is logged"))
		return false
	}
	c.Entry.Line = line
	if c.Entry.Upload != nil {
		c.Entry.Upload.KeyAt = keyAt
	}
	return true
}

// syncEach waits until the entry of a call is safe.
func (l *Logger) syncEach(c *messages.Command) {
	target, action := c.Target, c.Action
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.MaxWait)
	defer cancel()
	err := l.actors.Dispatched(ctx)
	if err == nil {
		err = l.primary().sink.Sync(ctx)
	}
	if err != nil {
		p := l.problem(target, action, ErrNotDurable, "it is accepted, and not on disk within Config.MaxWait; see Health")
		p.Kept, p.Err = true, err
		l.report.count(p)
		l.report.tell(p)
	}
}

func (l *Logger) refusal(c *messages.Command, err error) *Error {
	switch {
	case errors.Is(err, ledger.ErrClosed):
		return l.problem(c.Target, c.Action, ErrClosed, "the call came after Close")
	case errors.Is(err, ledger.ErrTooLarge):
		return l.problem(c.Target, c.Action, ErrTooLarge, fmt.Sprintf("it takes %d bytes, and Config.MaxBytes is %d: raise that", c.Entry.Cost(), l.cfg.MaxBytes))
	case l.primary().sink.Health().Full:
		return l.problem(c.Target, c.Action, ErrSpoolFull, "free disk space, raise Config.MaxSpoolBytes, or see Config.OnFull")
	default:
		return l.problem(c.Target, c.Action, ErrBackpressure, "entries are not delivered or written as fast as they come; see Health, or raise Config.MaxBytes")
	}
}

// newID makes an id for an entity that was given none: a random UUID. Ids are unique,
// not secret, so the generator of the runtime does, which needs no call of the system.
func newID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // not a secret
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // not a secret
	id[6] = id[6]&0x0f | 0x40                            // RFC 9562: version 4,
	id[8] = id[8]&0x3f | 0x80                            // and its variant
	return id.String()
}
