package logger

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// console passes records on to Config.Slog: the lines of Config.Debug, warnings, and those
// of the actor library. The handler behind it is the user's. It may block, panic, end its
// goroutine or call the logger, so it runs on a goroutine that nothing waits for, and
// what it does not keep up with is left out and counted.
type console struct {
	log    *slog.Logger
	redact func(string) string
	wake   chan struct{} // capacity 1
	done   chan struct{} // closed when nothing more is passed on

	mu      sync.Mutex
	queue   []note // guarded by mu
	bytes   int    // guarded by mu; of the lines in queue
	skipped int64  // guarded by mu; left out since a record was last passed on
	missed  int64  // guarded by mu; left out in all
	panics  int64  // guarded by mu; of the handler
	closed  bool   // guarded by mu
}

// note is a record on its way.
type note struct {
	at      time.Time
	level   slog.Level
	text    string
	line    []byte // of Config.Debug, nil for a message; nobody writes to it
	leftOut int    // messages of the same kind that were not worth a record
}

// What waits for the handler, at most: so many lines, and bytes of lines, but always one
// line. As many messages wait beside them: a flood of lines leaves none of those out.
const (
	notesMost     = 1024
	noteBytesMost = 1 << 20
)

func newConsole(c Config, redact func(string) string) *console {
	p := &console{log: c.Slog, redact: redact, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go p.run()
	return p
}

// add takes a record. It does not block; but after close there is no goroutine left to
// take a message, and the handler is called at once.
func (p *console) add(n note) {
	if p.kept(n) {
		return
	}
	p.handle(n, 0)
}

// kept reports false for a message after close.
func (p *console) kept(n note) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := 2 * notesMost
	if n.line != nil {
		most = notesMost
	}
	switch {
	case p.closed && n.line == nil:
		return false
	case p.closed, len(p.queue) >= most, p.bytes > 0 && p.bytes+len(n.line) > noteBytesMost:
		p.skipped++
		p.missed++
		return true
	}
	p.queue = append(p.queue, n)
	p.bytes += len(n.line)
	p.signal()
	return true
}

func (p *console) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// take returns the next record, and how many were left out since the last. It waits for
// one, and reports false after close.
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

func (p *console) run() {
	finished := false
	defer func() {
		// runtime.Goexit in the handler takes this goroutine away.
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

// handle calls the handler.
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
	if n.leftOut > 0 {
		r.AddAttrs(slog.Int("left_out", n.leftOut))
	}
	if skipped > 0 {
		r.AddAttrs(slog.Int64("skipped", skipped))
	}
	_ = p.log.Handler().Handle(context.Background(), r) // there is nowhere else to say it
}

// consoleGrace is how long Close waits for a handler to keep up.
const consoleGrace = 100 * time.Millisecond

// close passes on what waits, for consoleGrace, and leaves out the rest. It does not
// wait longer for a handler that hangs.
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

// counts returns how many records were left out, and how often the handler panicked.
func (p *console) counts() (missed, panics int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.missed, p.panics
}

// textHandler passes the texts of records on to a console, without their attributes: the
// actor library logs on goroutines that must not wait for a handler.
type textHandler struct{ to *console }

func (h textHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h textHandler) Handle(_ context.Context, r slog.Record) error {
	h.to.add(note{at: r.Time, level: r.Level, text: r.Message})
	return nil
}

func (h textHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h textHandler) WithGroup(string) slog.Handler { return h }

// redact takes the API key out of a text.
func (p *pipeline) redact(s string) string {
	if p.cfg.APIKey == "" {
		return s
	}
	return strings.ReplaceAll(s, p.cfg.APIKey, "[redacted]")
}
