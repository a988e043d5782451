package troupeslog

import (
	"context"
	"log/slog"
	"slices"

	"github.com/troupelog/troupe/logger"
)

// Handler is a slog.Handler that adds records to the trace, span or session of their
// context. Make it with New. It is immutable and may be used concurrently.
type Handler struct {
	next slog.Handler
	said []said // by WithAttrs and WithGroup, in their order
}

// said is what one call of WithGroup or WithAttrs said.
type said struct {
	group string // "" for attributes
	attrs []slog.Attr
}

// New returns a handler that passes every record on to next, whatever becomes of its
// event. A *Handler is returned as it is: a record is one event. Do not pass the handler of the default
// that log/slog starts with to slog.SetDefault: package log then waits for itself.
func New(next slog.Handler) *Handler {
	if h, ok := next.(*Handler); ok {
		return h
	}
	return &Handler{next: next}
}

// Enabled implements slog.Handler: it asks the next handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	if ctx == nil {
		ctx = context.Background() // the next handler may not expect nil
	}
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return &Handler{next: h.next.WithAttrs(attrs), said: append(slices.Clip(h.said), said{attrs: slices.Clone(attrs)})}
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &Handler{next: h.next.WithGroup(name), said: append(slices.Clip(h.said), said{group: name})}
}

// Handle implements slog.Handler. The error is that of the next handler; what is wrong
// with the event, the logger tells to its OnError.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if ctx == nil {
		ctx = context.Background()
	}
	scope := logger.FromContext(ctx)
	switch {
	case scope.Active():
		scope.AddEvent(h.event(r))
	case scope.Session().ID() != "":
		scope.Session().AddEvent(h.event(r))
	}
	return h.next.Handle(ctx, r)
}

// event returns a record as an event. A record without a time is of now.
func (h *Handler) event(r slog.Record) logger.EventConfig {
	room := budget{bytes: maxBytes, attrs: maxAttrs}
	e := logger.EventConfig{
		Name: room.cut(r.Message, maxMessage), Tags: map[string]string{"level": r.Level.String()}, Time: r.Time,
		Metadata: map[string]any{},
	}
	in := e.Metadata
	groups := []map[string]any{in}
	var names []string
	for _, s := range h.said {
		if s.group != "" {
			name := room.cut(s.group, maxBytes)
			in = map[string]any{}
			groups, names = append(groups, in), append(names, name)
			continue
		}
		for _, a := range s.attrs {
			room.add(in, a)
		}
	}
	r.Attrs(func(a slog.Attr) bool {
		room.add(in, a)
		return true
	})
	// Groups without attributes are left out, so they are put in from the innermost on.
	for i := len(names) - 1; i >= 0; i-- {
		if len(groups[i+1]) > 0 {
			groups[i][names[i]] = groups[i+1]
		}
	}
	if len(e.Metadata) == 0 {
		e.Metadata = nil
	}
	if room.short {
		e.Tags["truncated"] = "true"
	}
	return e
}
