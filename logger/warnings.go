package logger

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// warnEvery is how often errors with the same reason are logged.
const warnEvery = time.Minute

// warnings is what is done with errors where the user has no OnError: they go to
// slog, at most one per reason and minute, with the number of those left out.
type warnings struct {
	log *console

	mu   sync.Mutex
	last map[error]*warned // guarded by mu; by reason
}

type warned struct {
	at      time.Time
	leftOut int // since at
}

func (w *warnings) warn(err error) {
	if n, ok := w.due(err); ok {
		w.log.add(note{at: time.Now(), level: slog.LevelWarn, text: err.Error(), leftOut: n})
	}
}

// due reports whether err is to be logged, and how many like it were not.
func (w *warnings) due(err error) (leftOut int, ok bool) {
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
		last.leftOut++
		return 0, false
	}
	leftOut = last.leftOut
	last.at, last.leftOut = time.Now(), 0
	return leftOut, true
}
