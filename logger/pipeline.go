package logger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/sampling"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// pipeline is the path of every call: line begins its line, the handle writes the data,
// and send masks it, cuts it to size, admits it to the ledger and puts it into the actors.
// The entries that the actors emit come back through out, and go to the destinations.
//
// Handles point at the pipeline; the Logger on top of it adds the lifecycle. The fields
// without a guard are immutable once start has returned.
type pipeline struct {
	cfg     Config
	ledger  *ledger.Ledger
	actors  *actors.System
	sampler *sampling.Sampler // nil logs everything
	report  *reporter
	console *console
	logger  *Logger // for Scope.Logger

	destinations destinations
	derived      derivedIDs
	closed       atomic.Bool    // set by Close; calls are rejected then
	background   sync.WaitGroup // goroutines that Close waits for
}

// line begins the line of a call on ref. It returns nil if the call is rejected because the
// logger is closed. The caller must pass the encoder to send, or release it.
func (p *pipeline) line(ref messages.Ref, action messages.Action) *wire.Encoder {
	if p.closed.Load() {
		p.reject(p.problem(ref, action, ErrClosed, "the call came after Close"))
		return nil
	}
	w := wire.NewEncoder()
	w.Begin(ref.Entity.String(), ref.ID, action.String())
	w.Mask(p.cfg.Mask)
	return w
}

// send takes the line of c through the rest of the pipeline. It gives the encoder back and
// reports whether the entry was accepted.
//
// The order of the steps matters. Texts are masked before they are cut, because half a secret
// would not be recognised (the encoder masks texts that it cuts itself). The line is cut
// before it is admitted, because the ledger is charged its final size. Everything that
// can reject the call comes before put.
func (p *pipeline) send(w *wire.Encoder, c *messages.Command) bool {
	c.At = w.At().UnixNano()
	c.Entry.Line = w.Finish()
	cuts := w.Cuts()
	w.Release()
	if !p.hide(c) {
		return false
	}
	if len(cuts) > 0 || len(c.Entry.Line) > p.room(c) {
		p.fit(c, cuts)
	}
	if data := c.Entry.Line[dataStart(c.Entry.Line):]; wire.TooDeep(data) {
		p.reject(p.problem(c.Target, c.Action, ErrUnencodable,
			"its data is nested more than "+strconv.Itoa(protocol.MaxDepth)+" levels deep"))
		return false
	}
	if !p.admit(c) {
		return false
	}
	p.put(c)
	return true
}

// hide omits and masks texts of the line, as the Config demands. It reports false if the
// mask panicked: then the call is rejected.
func (p *pipeline) hide(c *messages.Command) bool {
	if p.cfg.OmitContent {
		c.Entry.Line = omit(c.Entry.Line)
	}
	if p.cfg.Mask == nil {
		return true
	}
	keyAt := 0
	if c.Entry.Upload != nil {
		keyAt = c.Entry.Upload.KeyAt
	}
	line, keyAt, ok := mask(c.Entry.Line, keyAt, p.cfg.Mask)
	if !ok {
		p.reject(p.problem(c.Target, c.Action, ErrMask, "Config.Mask panicked; nothing of the call is logged"))
		return false
	}
	c.Entry.Line = line
	if c.Entry.Upload != nil {
		c.Entry.Upload.KeyAt = keyAt
	}
	return true
}

// admit reserves memory for the entry in the ledger, and waits for room if the Config
// allows it. Otherwise it rejects the call.
func (p *pipeline) admit(c *messages.Command) bool {
	wait := p.cfg.MaxWait
	if p.cfg.OnFull == FullDropNewest {
		wait = 0
	}
	var err error
	if c.Entry.Epoch, err = p.ledger.Admit(c.Entry.Cost(), wait); err != nil {
		p.reject(p.refusal(c, err))
		return false
	}
	return true
}

// put hands an admitted entry to the actors. From here on it cannot be rejected: it is
// delivered, or counted as dead or dropped.
func (p *pipeline) put(c *messages.Command) {
	if p.cfg.Debug {
		p.console.add(note{at: time.Now(), level: slog.LevelDebug, text: "troupe: accepted", line: c.Entry.Line})
	}
	if p.sampler != nil {
		c.Entry.Of = c
	}
	// The actors recycle c once they have handled it.
	target, action := c.Target, c.Action
	p.actors.Tell(c)
	if p.cfg.Durability == SyncEach {
		p.syncEach(target, action)
	}
}

// syncEach waits until everything accepted so far is on disk and synced, for at most
// Config.MaxWait.
func (p *pipeline) syncEach(target messages.Ref, action messages.Action) {
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.MaxWait)
	defer cancel()
	err := p.actors.Dispatched(ctx)
	if err == nil {
		err = p.destinations.primary().sink.Sync(ctx)
	}
	if err != nil {
		bad := p.problem(target, action, ErrNotDurable,
			"it is accepted, but was not on disk within Config.MaxWait; see Health")
		bad.Err = err
		p.suspect(bad)
	}
}

// out takes the entries that the actors emit. The writer calls it, one batch at a time.
func (p *pipeline) out(entries []messages.Entry) {
	if p.sampler != nil {
		p.sampler.Take(entries)
		return
	}
	p.destinations.put(entries)
}

// problem describes a call that cannot be logged as it was meant. It names the entity, but
// contains no value of the call: errors end up in other logs.
func (p *pipeline) problem(ref messages.Ref, action messages.Action, reason error, detail string) *Error {
	return &Error{
		Reason: reason, Entity: ref.Entity.String(), ID: ref.ID, Action: action.String(), Detail: detail, Entries: 1,
	}
}

// refusal explains why the ledger did not admit an entry, and how to prevent it.
func (p *pipeline) refusal(c *messages.Command, err error) *Error {
	switch {
	case errors.Is(err, ledger.ErrClosed):
		return p.problem(c.Target, c.Action, ErrClosed, "the call came after Close")
	case errors.Is(err, ledger.ErrTooLarge):
		return p.problem(c.Target, c.Action, ErrTooLarge,
			fmt.Sprintf("it takes %d bytes, and Config.MaxBytes is %d: raise that", c.Entry.Cost(), p.cfg.MaxBytes))
	case p.destinations.primary().sink.Health().Full:
		return p.problem(c.Target, c.Action, ErrSpoolFull,
			"free disk space, raise Config.MaxSpoolBytes, or see Config.OnFull")
	default:
		return p.problem(c.Target, c.Action, ErrBackpressure,
			"entries are not delivered or written as fast as they come; see Health, or raise Config.MaxBytes")
	}
}

// reject counts and reports a call, or a part of it, that is not logged. With
// Config.PanicOnMisuse it panics instead, which ends the call.
func (p *pipeline) reject(err *Error) {
	p.report.count(err)
	if p.cfg.PanicOnMisuse {
		err.Kept = false
		panic(err)
	}
	p.report.tell(err)
}

// suspect counts and reports a call that is logged, but is probably a mistake. It never
// panics, not even with Config.PanicOnMisuse, because the entry is on its way.
func (p *pipeline) suspect(err *Error) {
	err.Kept = true
	p.report.count(err)
	p.report.tell(err)
}

// newID returns an id for an entity that was given none: a random UUID. Ids are unique,
// not secret, so the runtime's generator suffices, which makes no system call.
func newID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // not a secret
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // not a secret
	id[6] = id[6]&0x0f | 0x40                            // RFC 9562: version 4,
	id[8] = id[8]&0x3f | 0x80                            // and its variant
	return id.String()
}
