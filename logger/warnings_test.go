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
		if !strings.Contains(out.String(), "invalid id") || !strings.Contains(out.String(), "left_out=99") {
			t.Errorf("a minute later: %s", out.String())
		}
	})
}
