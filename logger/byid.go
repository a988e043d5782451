package logger

//go:generate go run ../internal/seedgen

import "github.com/troupelog/troupe/messages"

// SessionByID returns the handle of the session with an id, which may have been begun by
// another process. It sends nothing and does not check that the session exists.
//
// This and the other ByID methods never fail: in place of an id that a line cannot hold,
// lines carry its safe form, see the package text; with Config.PanicOnMisuse they panic.
// If this process began the entity and has not forgotten it, calls of the handle are
// ordered with all others of its trace or session; otherwise in their own order.
func (l *Logger) SessionByID(id string) Session { return Session{l.byID(messages.Session, id)} }

// TraceByID returns the handle of the trace with an id, see SessionByID.
func (l *Logger) TraceByID(id string) Trace { return Trace{container{l.byID(messages.Trace, id)}} }

// SpanByID returns the handle of the span with an id, see SessionByID.
func (l *Logger) SpanByID(id string) Span { return Span{container{l.byID(messages.Span, id)}} }

// GenerationByID returns the handle of the generation with an id, see SessionByID. If
// Config.Prices is set, its Result is priced by the model that the result itself names.
func (l *Logger) GenerationByID(id string) Generation {
	return Generation{entity: l.byID(messages.Generation, id)}
}

// RetrievalByID returns the handle of the retrieval with an id, see SessionByID.
func (l *Logger) RetrievalByID(id string) Retrieval { return Retrieval{l.byID(messages.Retrieval, id)} }

// ToolCallByID returns the handle of the tool call with an id, see SessionByID.
func (l *Logger) ToolCallByID(id string) ToolCall { return ToolCall{l.byID(messages.ToolCall, id)} }

// byID returns the entity with an id, inert for a nil Logger.
func (l *Logger) byID(kind messages.Entity, id string) entity {
	if l == nil {
		return entity{}
	}
	return l.entityOf(kind, l.known(kind.String(), id))
}
