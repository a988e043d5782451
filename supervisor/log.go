package supervisor

import (
	"context"
	"log/slog"
)

// warnings forwards records from level Warn on, without their attributes: the library's
// attributes can hold message values, and these hold the prompts of users.
type warnings struct{ next slog.Handler }

// Enabled reports whether both this handler and the next one accept the level.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.next.Enabled(ctx, level)
}

// Handle forwards the text of a record. The next handler belongs to the user, so a panic in it
// is discarded: it must not become the failure of an actor.
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	defer func() { _ = recover() }()
	return w.next.Handle(ctx, slog.NewRecord(r.Time, r.Level, r.Message, r.PC))
}

// WithAttrs drops the attributes, as Handle does.
func (w warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup drops the group, which could only hold attributes.
func (w warnings) WithGroup(string) slog.Handler { return w }
