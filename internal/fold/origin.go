package fold

import (
	"bytes"
	"cmp"

	"github.com/troupelog/troupe/internal/protocol"
)

// Origin is the position in an OpenTelemetry trace of an entity that came from there. Its
// line names the trace as the parent, because the parent span may arrive later, in
// another request, at another collector, or be an entity logged by a client of Troupe.
// Once an entity with the parent's span id is known, it becomes the parent: see
// [Origin.Nearness]. Until then the parent is the trace.
type Origin struct {
	Trace  protocol.TraceID // zero if the entity does not come from OpenTelemetry
	Parent protocol.SpanID  // zero for a root span
	Span   protocol.SpanID  // its span id, if that does not follow from the entity's id; else zero
}

// Members of a line's data that describe an Origin.
const (
	parentField = "otel.parent_span_id"
	spanField   = "otel.span_id"
)

// originOf reads the origin of an entity that begins below a trace with these fields.
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

// SpanEntityID returns the id that the collector gives to the entity of a span.
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

// Fallback returns the key of the trace, which is the entity's parent until the parent span
// has arrived.
func (o Origin) Fallback(repo string) Key {
	return KeyOf(repo, protocol.Ref{Kind: protocol.Trace, ID: o.Trace.String()})
}

// ParentKeys returns the keys that the parent has if it arrived as a span.
func (o Origin) ParentKeys(repo string) []Key {
	id := SpanEntityID(o.Trace, o.Parent)
	kinds := []protocol.Kind{protocol.Span, protocol.Generation, protocol.Retrieval, protocol.ToolCall, protocol.Error}
	keys := make([]Key, 0, len(kinds))
	for _, kind := range kinds {
		keys = append(keys, KeyOf(repo, protocol.Ref{Kind: kind, ID: id}))
	}
	return keys
}

// Nearness reports whether an entity of the same repository has the parent's span id, and
// ranks it as the parent: less is nearer. A span of the trace ranks first. Next is an entity
// that Troupe exported and that kept a separate span id. Last is an entity of a Troupe client,
// which announces the protocol.SpanIDOf its id.
func (o Origin) Nearness(e *Entity) (n int, ok bool) {
	const kinds = 16
	kind := int(e.Ref.Kind)
	if e.Ref.Kind == protocol.Span {
		kind = kinds - 1 // the kind assumed before the whole span was known
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

// Nearest returns the candidate that is the parent of the entity with key child, or nil if
// there is none. The result depends only on the set of candidates.
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

// hang sets the values that entities take from others: the session id in the form to show,
// and the parents of entities that came from OpenTelemetry.
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

// SpanIDs returns the span ids by which children may name the entity as their parent.
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
