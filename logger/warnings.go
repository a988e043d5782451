package logger

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// warnEvery is the least time between two records about errors with the same reason.
const warnEvery = time.Minute

// warnings is the default OnError. It logs to slog at most one error per reason and minute,
// with the number suppressed.
type warnings struct {
	log *console

	mu   sync.Mutex
	last map[error]*warned // guarded by mu; by reason
}

// warned is the last record about a reason.
type warned struct {
	at         time.Time
	suppressed int // errors since at
}

// warn implements Config.OnError. It is called by the goroutine of the reporter and, after
// close, by callers.
func (w *warnings) warn(err error) {
	if n, ok := w.due(err); ok {
		w.log.add(note{at: time.Now(), level: slog.LevelWarn, text: err.Error(), suppressed: n})
	}
}

// due reports whether err must be logged, and how many errors with its reason were
// suppressed since the last one.
func (w *warnings) due(err error) (suppressed int, ok bool) {
	reason := err
	if e, is := errors.AsType[*Error](err); is {
		reason = e.Reason
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.last[reason]
	switch {
	case last == nil:
		w.last[reason] = &warned{at: time.Now()}
		return 0, true
	case time.Since(last.at) < warnEvery:
		last.suppressed++
		return 0, false
	}
	suppressed = last.suppressed
	last.at, last.suppressed = time.Now(), 0
	return suppressed, true
}
