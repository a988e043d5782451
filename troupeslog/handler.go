package troupeslog

import (
	"context"
	"log/slog"
	"slices"

	"github.com/troupelog/troupe/logger"
)

// Handler is a slog.Handler that adds records to the trace, span or session of their context.
// Make it with New. It is immutable and may be used concurrently.
type Handler struct {
	next   slog.Handler
	scopes []scope // of WithAttrs and WithGroup, in the order of the calls
}

// scope holds the argument of one call of WithGroup or WithAttrs.
type scope struct {
	group string // empty for a call of WithAttrs
	attrs []slog.Attr
}

// New returns a handler that passes every record on to next, even if its event is rejected. A
// *Handler is returned as it is, so that no record becomes two events. Do not wrap the handler of
// the initial slog.Default and pass the result to slog.SetDefault: that handler writes to package
// log, which SetDefault redirects to the new handler, and package log would wait for itself.
func New(next slog.Handler) *Handler {
	if h, ok := next.(*Handler); ok {
		return h
	}
	return &Handler{next: next}
}

// Enabled implements slog.Handler. The next handler decides.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	if ctx == nil {
		ctx = context.Background() // the next handler may not expect nil
	}
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler. It copies attrs.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(h.next.WithAttrs(attrs), scope{attrs: slices.Clone(attrs)})
}

// WithGroup implements slog.Handler. An empty name is ignored, as slog wants it.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(h.next.WithGroup(name), scope{group: name})
}

// with returns a handler with one more scope. The list is clipped first, so that two handlers that
// are derived from the same one never share an element.
func (h *Handler) with(next slog.Handler, s scope) *Handler {
	return &Handler{next: next, scopes: append(slices.Clip(h.scopes), s)}
}

// Handle implements slog.Handler. It adds the event first, so that the event is there even if the
// next handler panics, and returns the next handler's error. Errors of the event are reported to
// the logger's OnError.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if ctx == nil {
		ctx = context.Background()
	}
	part := logger.FromContext(ctx)
	switch {
	case part.Active():
		part.AddEvent(h.event(r))
	case part.Session().ID() != "":
		part.Session().AddEvent(h.event(r))
	}
	return h.next.Handle(ctx, r)
}

// event converts a record to an event. An event without a time gets the present one.
func (h *Handler) event(r slog.Record) logger.EventConfig {
	room := budget{bytes: maxBytes, attrs: maxAttrs}
	e := logger.EventConfig{
		Name: room.cut(r.Message, maxMessage), Tags: map[string]string{"level": r.Level.String()}, Time: r.Time,
		Metadata: map[string]any{},
	}
	in := e.Metadata
	groups := []map[string]any{in}
	var names []string
	for _, s := range h.scopes {
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
	// slog omits groups without attributes. Only after the inner groups are in place is it known
	// whether an outer one is empty.
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
