package logger

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/internal/delivery"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

// reporter is the only way out for errors: it counts calls by reason and calls
// Config.OnError on its own goroutine, so that no caller waits for the user's function.
type reporter struct {
	onError func(error)
	slog    *console
	queue   chan *Error // a nil *Error means that deliveries work again
	done    chan struct{}

	mu         sync.Mutex
	rejected   map[string]int64 // guarded by mu; calls by reason
	suspicious map[string]int64 // guarded by mu; calls by reason

	// gate is held for reading while an error is queued, and for writing by close: nothing is
	// sent on the queue after it is closed.
	gate   sync.RWMutex
	closed bool // guarded by gate

	late    atomic.Bool  // OnError is running for an error that came after close
	unseen  atomic.Int64 // errors that were counted but not passed to OnError
	panicky atomic.Int64 // panics of onError, and goroutines that it ended
}

// reportQueue limits the errors that wait for OnError. It has room for two per line of a
// batch, because a server may refuse all of them in one answer.
const reportQueue = 2 * MaxBatchEntries

// newReporter returns a reporter and starts its goroutine, which ends after close.
func newReporter(c Config, log *console) *reporter {
	r := &reporter{
		onError: c.OnError, slog: log, queue: make(chan *Error, reportQueue), done: make(chan struct{}),
		rejected: map[string]int64{}, suspicious: map[string]int64{},
	}
	if r.onError == nil {
		r.onError = (&warnings{log: log, last: map[error]*warned{}}).warn
	}
	go r.run()
	return r
}

// run calls OnError for each error in the queue, until close closes it.
func (r *reporter) run() {
	finished := false
	defer func() {
		// OnError may end this goroutine by runtime.Goexit, as t.Fatal does.
		if finished {
			close(r.done)
		} else {
			r.panicky.Add(1)
			go r.run()
		}
	}()
	for err := range r.queue {
		r.call(err)
	}
	finished = true
}

// call calls OnError, and contains its panics.
func (r *reporter) call(err *Error) {
	defer func() {
		if recover() != nil {
			r.panicky.Add(1)
		}
	}()
	if err == nil {
		r.slog.add(note{at: time.Now(), level: slog.LevelInfo, text: "troupe: delivering again"})
		return
	}
	r.onError(err)
}

// calls returns the numbers of rejected and of suspicious calls by reason.
func (r *reporter) calls() (rejected, suspicious map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.rejected), maps.Clone(r.suspicious)
}

// count counts a rejected or suspicious call.
func (r *reporter) count(err *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err.Kept {
		r.suspicious[err.Reason.Error()]++
	} else {
		r.rejected[err.Reason.Error()]++
	}
}

// tell queues an error for OnError; it never blocks. After close no goroutine reads the
// queue, so OnError is called at once, except for an error that OnError itself causes.
func (r *reporter) tell(err *Error) {
	if r.queued(err) {
		return
	}
	if !r.late.CompareAndSwap(false, true) {
		r.unseen.Add(1)
		return
	}
	defer r.late.Store(false)
	r.call(err)
}

// queued queues an error, or counts it if the queue is full. It reports false after close.
func (r *reporter) queued(err *Error) bool {
	r.gate.RLock()
	defer r.gate.RUnlock()
	if r.closed {
		return false
	}
	select {
	case r.queue <- err:
	default:
		r.unseen.Add(1)
	}
	return true
}

// close waits until OnError has handled all queued errors, or ctx has ended: then OnError
// continues with the rest on its own.
func (r *reporter) close(ctx context.Context) {
	r.gate.Lock()
	r.closed = true
	close(r.queue)
	r.gate.Unlock()
	select {
	case <-r.done:
	case <-ctx.Done():
	}
}

// event reports an event of the actors.
func (p *pipeline) event(e actors.Event) {
	err := &Error{Entries: e.Entries, Err: e.Err}
	if e.Target.ID != "" {
		err.Entity, err.ID, err.Action = e.Target.Entity.String(), e.Target.ID, e.Action.String()
	}
	switch e.Kind {
	case actors.EndedTwice:
		err.Reason, err.Kept, err.Detail = ErrEnded, true, "it was ended before; the last end counts"
	case actors.AfterEnd:
		err.Reason, err.Kept, err.Detail = ErrEnded, true, "the call came after the end; it is logged anyway"
	case actors.DuplicateID:
		err.Reason, err.Kept, err.Detail = ErrDuplicateID, true, "the entity was begun before; the server will merge the two"
	case actors.UnknownParent:
		err.Reason, err.Kept, err.Detail = ErrUnknownParent, true, "its span is not known in this trace"
	case actors.Panicked:
		err.Reason, err.Kept, err.Stack = ErrPanic, true, e.Failure.Stack
		err.Detail = "an actor of the logger panicked and was restarted; please report it with Error.Stack"
	case actors.Dropped:
		err.Reason = ErrDropped
	}
	switch e.Kind {
	case actors.EndedTwice, actors.AfterEnd, actors.DuplicateID, actors.UnknownParent:
		p.report.count(err)
	}
	p.report.tell(err)
}

// deliveryEvent reports an event of a destination's delivery.
func (p *pipeline) deliveryEvent(d *destination, e delivery.Event) {
	err := &Error{Entries: e.Entries, Err: e.Err}
	err.Entity, err.ID, err.Action = subject(e.Line)
	switch e.Kind {
	case delivery.Failing:
		err.Reason, err.Kept, err.Detail = ErrDelivery, true, "will retry; until then entries are kept in "+d.place()
	case delivery.Dead:
		err.Reason = ErrRefused
	case delivery.Dropped:
		err.Reason, err.Detail = ErrDropped, e.Reason
	case delivery.Stalled:
		err.Reason, err.Kept = ErrStalled, true
		err.Detail = e.Reason + " has made no progress since " + e.Since.UTC().Format(time.RFC3339)
	case delivery.Recovered:
		p.report.tell(nil)
		return
	default: // adopted entries of a dead process are in Stats.Recovered
		return
	}
	p.report.tell(d.named(err))
}

// subject returns the entity, id and action that a line begins with. All are empty if the
// line is none of this package.
func subject(line []byte) (entity, id, action string) {
	head, _, _ := strings.Cut(string(line[:min(len(line), protocol.MaxID+128)]), ",data=")
	entity, rest, _ := strings.Cut(head, "{id=")
	id, action, ok := strings.Cut(rest, ",action=")
	if !ok || !protocol.ValidID(id) {
		return "", "", ""
	}
	return entity, id, action
}

// spoolEvent reports an event of a destination's spool.
func (p *pipeline) spoolEvent(d *destination, e spool.Event) {
	err := logEvent(e.Log)
	if e.Kind == spool.Skipped {
		err = &Error{Reason: ErrSpool, Kept: true, Err: e.Err,
			Detail: "slot " + e.Slot + " cannot be used and is left unchanged; see troupe spool ls"}
	}
	if err != nil {
		p.report.tell(d.named(err))
	}
}

// logEvent returns an event of a log as an error, nil if the disk accepts entries again.
func logEvent(e seglog.Event) *Error {
	err := &Error{Reason: ErrSpool, Entries: int(e.Count), Err: e.Err}
	switch e.Kind {
	case seglog.Degraded:
		err.Kept, err.Detail = true, "entries are kept in memory and delivered from there until the disk works again"
		if e.Reason != "" {
			err.Detail = "the position of the delivery cannot be written to disk: entries may be sent again after a restart"
		}
	case seglog.Damaged:
		err.Reason = ErrDropped
		err.Detail = "files of the spool are damaged or missing; these entries are lost, all others are delivered"
		if e.Count == 0 {
			err.Reason, err.Kept = ErrSpool, true
			err.Detail = "the file " + e.Name + " of the spool is damaged; all undamaged entries are delivered"
		}
	case seglog.Unknown:
		err.Kept, err.Entries = true, 0
		err.Detail = fmt.Sprintf("files of the spool are damaged or missing: up to %d entries may have been delivered, "+
			"never written, or lost; they are in no counter", e.Count)
	case seglog.Dropped:
		err.Reason, err.Detail = ErrDropped, e.Reason
	case seglog.Quarantined:
		err.Kept = true
		err.Detail = "the unreadable part of the file " + e.Name + " of the spool is kept in the folder quarantine"
	case seglog.Discarded:
		err.Detail = "the quarantine of the spool is full: its oldest files were removed"
	default:
		return nil
	}
	return err
}

// named makes an error name its destination, unless that is the primary one.
func (d *destination) named(err *Error) *Error {
	if d.added {
		err.Destination = d.cfg.ID
	}
	return err
}
