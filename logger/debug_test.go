package logger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/messages"
)

// handlerFunc is a log handler that does one thing when it is asked, and another when it
// is given a record.
type handlerFunc struct {
	slog.Handler
	enabled, handle func(slog.Record)
}

func (h handlerFunc) Enabled(context.Context, slog.Level) bool {
	if h.enabled != nil {
		h.enabled(slog.Record{})
	}
	return true
}

func (h handlerFunc) Handle(_ context.Context, r slog.Record) error {
	if h.handle != nil {
		h.handle(r)
	}
	return nil
}

func TestALogHandlerDelaysNothing(t *testing.T) {
	const calls = 3 * maxNotes
	for name, handler := range map[string]func(l **Logger, release <-chan struct{}) handlerFunc{
		"Enabled blocks": func(_ **Logger, release <-chan struct{}) handlerFunc {
			return handlerFunc{enabled: func(slog.Record) { <-release }}
		},
		"Handle blocks": func(_ **Logger, release <-chan struct{}) handlerFunc {
			return handlerFunc{handle: func(slog.Record) { <-release }}
		},
		"Enabled ends its goroutine": func(**Logger, <-chan struct{}) handlerFunc {
			return handlerFunc{enabled: func(slog.Record) { runtime.Goexit() }}
		},
		"Handle ends its goroutine": func(**Logger, <-chan struct{}) handlerFunc {
			return handlerFunc{handle: func(slog.Record) { runtime.Goexit() }}
		},
		"Handle panics": func(**Logger, <-chan struct{}) handlerFunc {
			return handlerFunc{handle: func(slog.Record) { panic("in the user's handler") }}
		},
		"Handle calls Flush": func(l **Logger, release <-chan struct{}) handlerFunc {
			return handlerFunc{handle: func(slog.Record) { <-release; _ = (*l).Flush(context.Background()) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var l *Logger
			release := make(chan struct{})
			r := newRig(t, Config{Debug: true, Slog: slog.New(handler(&l, release))}, nil)
			l = r.Logger
			trace := r.Trace(TraceConfig{ID: "t"})
			for range calls {
				trace.AddTag("k", "v")
			}
			if err := r.Flush(t.Context()); err != nil {
				t.Errorf("Flush = %v", err)
			}
			r.close()
			close(release)
			<-r.console.done
			if s := r.Stats(); s.Delivered != calls+2 {
				t.Errorf("%v, want %d delivered", s, calls+2)
			}
		})
	}
}

// What a handler does not keep up with is bounded, counted and said.
func TestLinesThatAHandlerMissesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 2 * maxNotes
		release := make(chan struct{})
		var mu sync.Mutex
		var lines, skipped int64
		r := newRig(t, Config{Debug: true, Slog: slog.New(handlerFunc{handle: func(rec slog.Record) {
			<-release
			mu.Lock()
			defer mu.Unlock()
			lines++
			rec.Attrs(func(a slog.Attr) bool {
				if a.Key == "skipped" {
					skipped += a.Value.Int64()
				}
				return true
			})
		}})}, nil)
		trace := r.Trace(TraceConfig{ID: "t"})
		synctest.Wait() // the handler is at the first line
		for range calls {
			trace.AddTag("k", strings.Repeat("v", 10))
		}
		r.Trace(TraceConfig{ID: "large"}).SetInput(strings.Repeat("x", maxNoteBytes))
		missed := r.Stats().Unreported
		if missed != calls-maxNotes+2 {
			t.Errorf("%d records were left out, want %d", missed, calls-maxNotes+2)
		}
		close(release)
		synctest.Wait()
		mu.Lock()
		if lines+skipped != calls+3 || skipped != missed {
			t.Errorf("%d lines were logged and %d said to be left out, of %d", lines, skipped, calls+3)
		}
		mu.Unlock()
		trace.AddTag("large", strings.Repeat("x", 2*maxNoteBytes)) // alone, it is logged
		synctest.Wait()
		if got := r.Stats().Unreported; got != missed {
			t.Errorf("%d records were left out when nothing else waited", got-missed)
		}
		r.close()
	})
}

// Where an actor fails, its library logs: on a goroutine that must not wait.
func TestALogHandlerThatBlocksStopsNoActor(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, Config{Slog: slog.New(handlerFunc{handle: func(slog.Record) { <-release }})}, func(m *messages.Command) {
		if m.Action == messages.Update && !m.Emitted {
			panic("injected")
		}
	})
	for i := range 100 {
		r.Trace(TraceConfig{ID: fmt.Sprint("t", i)}).AddTag("k", "v")
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Errorf("Flush = %v", err)
	}
	r.close()
	close(release)
	<-r.console.done
	if s := r.Stats(); s.Delivered != 300 || s.Panics < 100 {
		t.Errorf("%v and %d panics, want 300 delivered", s, s.Panics)
	}
}

// Warnings of a logger without OnError go through the same handler.
func TestALogHandlerThatBlocksDelaysNoCloseByWarnings(t *testing.T) {
	release := make(chan struct{})
	l, err := start(Config{ID: "r", ManualFlush: true, Durability: MemoryOnly, Slog: slog.New(handlerFunc{handle: func(slog.Record) { <-release }})}.
		withDefaults(func(string) string { return "" }), &sink{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Trace(TraceConfig{ID: "not valid"})
	if err := l.Close(context.Background()); err != nil {
		t.Errorf("Close = %v", err)
	}
	close(release)
	<-l.console.done
}

func TestErrorsOfFlushAndCloseNameTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := newRig(t, Config{SpoolDir: t.TempDir()}, func(m *messages.Command) {
			if m.Target.ID == "stuck" {
				<-release
			}
		})
		r.Trace(TraceConfig{ID: "stuck"})
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for name, wait := range map[string]func(context.Context) error{"sync": r.Sync, "flush": r.Flush} {
			if err := wait(over); err == nil || !strings.Contains(err.Error(), name+" ended while entries were on their way from the calls to the spool") {
				t.Errorf("%s = %v", name, err)
			}
		}
		closed := make(chan error)
		go func() { closed <- r.Close(over) }()
		time.Sleep(2 * handOverGrace)
		close(release)
		err := <-closed
		if !errors.Is(err, ErrNotDelivered) || !strings.Contains(err.Error(), "1 entry is lost on the way from the calls to the spool") || strings.Contains(err.Error(), "no disk") {
			t.Errorf("Close = %v", err)
		}
		if s := r.Stats(); s.DroppedBy[lostInActors] != 1 {
			t.Errorf("dropped %v", s.DroppedBy)
		}
	})
}
