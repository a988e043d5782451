package supervisor

import (
	"context"
	"log/slog"
)

// warnings passes records at Warn and above on, reduced to their text: the
// library's attributes can hold message values, and those are the user's prompts.
type warnings struct{ next slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.next.Enabled(ctx, level)
}

// Handle gives nothing on of a handler that panics: it is the user's.
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	defer func() { _ = recover() }()
	return w.next.Handle(ctx, slog.NewRecord(r.Time, r.Level, r.Message, r.PC))
}

func (w warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

func (w warnings) WithGroup(string) slog.Handler { return w }
