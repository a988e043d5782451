package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// figures is the result of an experiment. Its methods may be called concurrently.
type figures struct {
	busy bool // bounds of time are not held; immutable

	mu     sync.Mutex
	shown  []string // guarded by mu
	missed []string // guarded by mu; bounds
}

// note shows a figure that has no bound.
func (f *figures) note(key string, value any) { f.add(key, value, "") }

// exactly shows a figure and demands a value.
func (f *figures) exactly(key string, got, want int64) {
	missed := ""
	if got != want {
		missed = fmt.Sprintf("%s=%d, want %d", key, got, want)
	}
	f.add(key, got, missed)
}

// atMost shows a figure and demands a bound.
func (f *figures) atMost(key string, got, bound float64) {
	missed := ""
	if !(got <= bound) { // so that NaN misses it
		missed = fmt.Sprintf("%s=%.4g, want at most %.4g", key, got, bound)
	}
	f.add(key, fmt.Sprintf("%.4g", got), missed)
}

// fastEnough shows a rate and demands a bound, unless the machine is busy.
func (f *figures) fastEnough(key string, got, bound float64) {
	missed := ""
	if !f.busy && !(got >= bound) { // so that NaN misses it
		missed = fmt.Sprintf("%s=%.4g, want at least %.4g", key, got, bound)
	}
	f.add(key, fmt.Sprintf("%.4g", got), missed)
}

// within shows a time, in seconds, and demands a bound, as soonEnough does.
func (f *figures) within(key string, got, bound time.Duration) {
	f.soonEnough(key+"_s", got.Seconds(), bound.Seconds())
}

// soonEnough shows a time and demands a bound, unless the machine is busy.
func (f *figures) soonEnough(key string, got, bound float64) {
	if f.busy {
		f.note(key, fmt.Sprintf("%.4g", got))
		return
	}
	f.atMost(key, got, bound)
}

// miss says that something else is not as it has to be. Only the first ten are shown.
func (f *figures) miss(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missed = append(f.missed, fmt.Sprintf(format, args...))
}

func (f *figures) add(key string, value any, missed string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shown = append(f.shown, fmt.Sprintf("%s=%v", key, value))
	if missed != "" {
		f.missed = append(f.missed, missed)
	}
}

// good reports whether no bound is missed.
func (f *figures) good() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.missed) == 0
}

// String returns the last line: all figures, and the bounds that are missed.
func (f *figures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	line := strings.Join(f.shown, " ")
	if len(f.missed) == 0 {
		return line + " ok"
	}
	const most = 10
	line += " MISSED: " + strings.Join(f.missed[:min(most, len(f.missed))], "; ")
	if more := len(f.missed) - most; more > 0 {
		line += fmt.Sprintf("; and %d more", more)
	}
	return line
}
