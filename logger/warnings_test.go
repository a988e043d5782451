package logger

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWarningsAreLoggedOnceAMinuteAndReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log := newConsole(Config{Slog: slog.New(slog.NewTextHandler(&out, nil))}, nil)
		defer log.close()
		w := &warnings{log: log, last: map[error]*warned{}}
		for range 100 {
			w.warn(&Error{Reason: ErrInvalidID})
			w.warn(&Error{Reason: ErrDelivery})
		}
		synctest.Wait()
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%d lines for two reasons:\n%s", n, out.String())
		}
		time.Sleep(warnEvery)
		out.Reset()
		w.warn(&Error{Reason: ErrInvalidID})
		synctest.Wait()
		if !strings.Contains(out.String(), "invalid id") || !strings.Contains(out.String(), "suppressed=99") {
			t.Errorf("a minute later: %s", out.String())
		}
	})
}

// Without an OnError the log says which id was replaced, cut to a line.
func TestTheDefaultLogLineNamesTheID(t *testing.T) {
	var out strings.Builder
	l, err := start(Config{ID: "r", ManualFlush: true, Durability: MemoryOnly, Slog: slog.New(slog.NewTextHandler(&out, nil))}.
		withDefaults(func(string) string { return "" }), &sink{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Session(SessionConfig{ID: "user/42\n" + strings.Repeat("x", 1<<20)})
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if line := out.String(); !strings.Contains(line, "level=WARN") || !strings.Contains(line, `user/42`) || len(line) > 1000 || strings.Count(line, "\n") != 1 {
		t.Errorf("%d bytes were logged: %.1000q", len(line), line)
	}
}
