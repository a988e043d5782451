package logger

import (
	"context"
	"log/slog"
	"strings"
)

// debug logs a line. The handler is the user's: what it panics with stays here.
func (l *Logger) debug(line []byte) {
	defer func() {
		if recover() != nil {
			l.report.panicky.Add(1)
		}
	}()
	if !l.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	l.log.Debug("troupe: accepted", "line", l.redact(string(line)))
}

// redact takes the API key out of a text.
func (l *Logger) redact(s string) string {
	if l.cfg.APIKey == "" {
		return s
	}
	return strings.ReplaceAll(s, l.cfg.APIKey, "[redacted]")
}
