package fold

import (
	"bytes"
	"cmp"

	"github.com/troupelog/troupe/internal/protocol"
)

// Origin says where an entity stands that came from OpenTelemetry. Its line names the trace
// as its parent, whatever the parent of its span is, because that may come later, in
// another request, to another collector, or be an entity that a client of Troupe logged.
// The entity hangs below whatever has the span id of its parent: see [Origin.Nearness].
// Until that has come it hangs below the trace.
type Origin struct {
	Trace  protocol.TraceID // zero if the entity does not come from OpenTelemetry
	Parent protocol.SpanID  // zero at the top of a trace
	Span   protocol.SpanID  // its own id, where the entity's id does not tell it; else zero
}

// The members of a line's data that an Origin is read from.
const (
	parentField = "otel.parent_span_id"
	spanField   = "otel.span_id"
)

// originOf returns the origin of what begins below a trace with fields.
func originOf(trace string, fields []field) (o Origin) {
	for _, f := range fields {
		switch f.key {
		case parentField:
			o.Parent, _ = protocol.ParseSpanID(text(f.value))
		case spanField:
			o.Span, _ = protocol.ParseSpanID(text(f.value))
		}
	}
	if o != (Origin{}) {
		o.Trace = protocol.TraceIDOf(trace)
	}
	return o
}

// SpanEntityID returns the id that the collector gives the entity of a span.
func SpanEntityID(trace protocol.TraceID, span protocol.SpanID) string {
	return trace.String() + "-" + span.String()
}

// ParseSpanEntityID is the inverse of SpanEntityID.
func ParseSpanEntityID(id string) (trace protocol.TraceID, span protocol.SpanID, ok bool) {
	const digits = 2 * len(trace)
	if len(id) != digits+1+2*len(span) || id[digits] != '-' {
		return trace, span, false
	}
	trace, first := protocol.ParseTraceID(id[:digits])
	span, second := protocol.ParseSpanID(id[digits+1:])
	return trace, span, first && second
}

// Fallback returns the key of the trace, below which the entity hangs until its parent has
// come.
func (o Origin) Fallback(repo string) Key {
	return KeyOf(repo, protocol.Ref{Kind: protocol.Trace, ID: o.Trace.String()})
}

// ParentKeys returns the keys that the parent has if it came as a span.
func (o Origin) ParentKeys(repo string) []Key {
	id := SpanEntityID(o.Trace, o.Parent)
	kinds := []protocol.Kind{protocol.Span, protocol.Generation, protocol.Retrieval, protocol.ToolCall, protocol.Error}
	keys := make([]Key, 0, len(kinds))
	for _, kind := range kinds {
		keys = append(keys, KeyOf(repo, protocol.Ref{Kind: kind, ID: id}))
	}
	return keys
}

// Nearness reports whether an entity of the same repository has the span id of the parent,
// and how surely it is the parent: less is nearer. A span of the trace is nearer than an
// entity that was exported from Troupe and has a span id of its own, and that is nearer
// than one of a client of Troupe, which announces protocol.SpanIDOf its id.
func (o Origin) Nearness(e *Entity) (n int, ok bool) {
	const kinds = 16
	kind := int(e.Ref.Kind)
	if e.Ref.Kind == protocol.Span {
		kind = kinds - 1 // what a span was taken for before all of it was known
	}
	switch {
	case o.Parent == (protocol.SpanID{}) || e.Ref.Kind == protocol.Session:
		return 0, false
	case e.Ref.Kind != protocol.Trace && e.Ref.ID == SpanEntityID(o.Trace, o.Parent):
		return kind, true
	case e.Origin.Span == o.Parent && e.Origin.Trace == o.Trace:
		return kinds + kind, true
	case protocol.SpanIDOf(e.Ref.ID) == o.Parent:
		return 2*kinds + kind, true
	}
	return 0, false
}

// Nearest returns that of the candidates which is the parent of the entity with a key, nil
// if none is. The result depends on the set of candidates only.
func (o Origin) Nearest(child Key, candidates []*Entity) (nearest *Entity) {
	least := 0
	for _, e := range candidates {
		n, ok := o.Nearness(e)
		if !ok || e.Key == child {
			continue
		}
		if nearest == nil || cmp.Or(cmp.Compare(n, least), bytes.Compare(e.Key[:], nearest.Key[:])) < 0 {
			nearest, least = e, n
		}
	}
	return nearest
}

// hang sets what entities say of others: the id of their session as it is shown, and the
// parents of those that came from OpenTelemetry.
func hang(repo string, entities map[Key]Entity) {
	for key, e := range entities {
		if session, ok := entities[e.Session]; ok {
			e.SessionID = session.Ref.ID
			entities[key] = e
		}
	}
	bySpan := map[protocol.SpanID][]*Entity{}
	waiting := false
	for _, e := range entities {
		for _, span := range e.SpanIDs() {
			bySpan[span] = append(bySpan[span], &e)
		}
		waiting = waiting || e.Origin.Parent != (protocol.SpanID{})
	}
	if !waiting {
		return
	}
	for key, e := range entities {
		if e.Origin.Parent == (protocol.SpanID{}) {
			continue
		}
		e.Parent = e.Origin.Fallback(repo)
		if parent := e.Origin.Nearest(key, bySpan[e.Origin.Parent]); parent != nil {
			e.Parent = parent.Key
		}
		entities[key] = e
	}
}

// SpanIDs returns the span ids by which the entity may be the parent of others.
func (e *Entity) SpanIDs() []protocol.SpanID {
	if e.Ref.Kind == protocol.Session {
		return nil
	}
	ids := []protocol.SpanID{protocol.SpanIDOf(e.Ref.ID)}
	if _, span, ok := ParseSpanEntityID(e.Ref.ID); ok {
		ids = append(ids, span)
	}
	if e.Origin.Span != (protocol.SpanID{}) {
		ids = append(ids, e.Origin.Span)
	}
	return ids
}
