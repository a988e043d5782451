package logger

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// console passes records on to Config.Slog: the lines of Config.Debug, warnings, and the
// messages of the actor library. The handler behind it is the user's: it may block, panic,
// end its goroutine or call the logger. It therefore runs on a goroutine that nothing waits
// for, and records that it does not keep up with are skipped and counted.
type console struct {
	log    *slog.Logger
	redact func(string) string
	wake   chan struct{} // capacity 1
	done   chan struct{} // closed when the last record has been passed on

	mu      sync.Mutex
	queue   []note // guarded by mu
	bytes   int    // guarded by mu; of the lines in queue
	skipped int64  // guarded by mu; records skipped since one was last passed on
	missed  int64  // guarded by mu; records skipped in all
	panics  int64  // guarded by mu; panics of the handler
	closed  bool   // guarded by mu
}

// note is a record on its way.
type note struct {
	at         time.Time
	level      slog.Level
	text       string
	line       []byte // of Config.Debug, nil for a message; immutable
	suppressed int    // errors with the same reason that were not logged, see warnings
}

// Limits of the queue: the number of lines, and their bytes, which one line alone may
// exceed. As many messages may wait beside the lines, so that a flood of lines displaces no
// message.
const (
	maxNotes     = 1024
	maxNoteBytes = 1 << 20
)

// newConsole returns a console and starts its goroutine, which ends after close.
func newConsole(c Config, redact func(string) string) *console {
	p := &console{log: c.Slog, redact: redact, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go p.run()
	return p
}

// add queues a record without blocking. After close no goroutine reads the queue, so the
// handler is called at once.
func (p *console) add(n note) {
	if p.kept(n) {
		return
	}
	p.handle(n, 0)
}

// kept queues or skips a record. It reports false for a message after close, for which the
// handler must be called.
func (p *console) kept(n note) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := 2 * maxNotes
	if n.line != nil {
		most = maxNotes
	}
	switch {
	case p.closed && n.line == nil:
		return false
	case p.closed, len(p.queue) >= most, p.bytes > 0 && p.bytes+len(n.line) > maxNoteBytes:
		p.skipped++
		p.missed++
		return true
	}
	p.queue = append(p.queue, n)
	p.bytes += len(n.line)
	p.signal()
	return true
}

// signal wakes the goroutine, unless a signal is pending already.
func (p *console) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// take waits for the next record, and returns it with the number of records skipped before
// it. It reports false after close, when the queue is empty.
func (p *console) take() (n note, skipped int64, ok bool) {
	for {
		p.mu.Lock()
		if len(p.queue) > 0 {
			n, skipped = p.queue[0], p.skipped
			p.queue[0] = note{}
			p.queue, p.skipped = p.queue[1:], 0
			p.bytes -= len(n.line)
			p.mu.Unlock()
			return n, skipped, true
		}
		closed := p.closed
		p.mu.Unlock()
		if closed {
			return n, 0, false
		}
		<-p.wake
	}
}

// run passes records on until take reports the end. If the handler ends the goroutine, another
// one takes over: the record that the handler was given is lost, the others are not.
func (p *console) run() {
	finished := false
	defer func() {
		// The handler may end this goroutine by runtime.Goexit.
		if finished {
			close(p.done)
		} else {
			go p.run()
		}
	}()
	for n, skipped, ok := p.take(); ok; n, skipped, ok = p.take() {
		p.handle(n, skipped)
	}
	finished = true
}

// handle calls the handler, and contains its panics.
func (p *console) handle(n note, skipped int64) {
	defer func() {
		if recover() != nil {
			p.mu.Lock()
			p.panics++
			p.mu.Unlock()
		}
	}()
	if !p.log.Enabled(context.Background(), n.level) {
		return
	}
	r := slog.NewRecord(n.at, n.level, n.text, 0)
	if n.line != nil {
		r.AddAttrs(slog.String("line", p.redact(string(n.line))))
	}
	if n.suppressed > 0 {
		r.AddAttrs(slog.Int("suppressed", n.suppressed))
	}
	if skipped > 0 {
		r.AddAttrs(slog.Int64("skipped", skipped))
	}
	_ = p.log.Handler().Handle(context.Background(), r) // nowhere else to report it
}

// consoleGrace limits how long Close waits for a handler to catch up.
const consoleGrace = 100 * time.Millisecond

// close gives the handler consoleGrace to take the queued records, and skips the rest. It
// does not wait longer, because the handler may be stuck.
func (p *console) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.signal()
	select {
	case <-p.done:
		return
	case <-time.After(consoleGrace):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.missed += int64(len(p.queue))
	p.queue, p.bytes = nil, 0
}

// counts returns the number of records skipped, and of panics of the handler.
func (p *console) counts() (missed, panics int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.missed, p.panics
}

// textHandler passes the texts of records on to a console, without their attributes. The
// actor library logs on goroutines that must not wait for the user's handler.
type textHandler struct{ to *console }

// Enabled implements slog.Handler. The console asks the user's handler later.
func (h textHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler. It never blocks.
func (h textHandler) Handle(_ context.Context, r slog.Record) error {
	h.to.add(note{at: r.Time, level: r.Level, text: r.Message})
	return nil
}

// WithAttrs implements slog.Handler. The attributes are dropped.
func (h textHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h textHandler) WithGroup(string) slog.Handler { return h }

// redact removes the API key from a text.
func (p *pipeline) redact(s string) string {
	if p.cfg.APIKey == "" {
		return s
	}
	return strings.ReplaceAll(s, p.cfg.APIKey, "[redacted]")
}
