package otlp

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
)

// Span is a span as an SDK holds it in memory.
type Span struct {
	TraceID    [16]byte
	ID, Parent [8]byte // Parent is zero for a root span
	Name       string
	Start, End time.Time
	Attributes []Attribute
	Events     []Event
	Failed     bool   // its status is an error
	Status     string // the status message
	Scope      string // the instrumentation
}

// Event is an event of a Span.
type Event struct {
	At         time.Time
	Name       string
	Attributes []Attribute
}

// Attribute is a name and its value: a string, a bool, an int64, a float64 or []any of
// these.
type Attribute struct {
	Key   string
	Value any
}

// Description describes a span in the terms of the log.
type Description struct {
	Kind    protocol.Kind
	ID      string // derived from the trace and span ids, as in Convert
	Name    string
	Session string          // "" if the span names none
	Fields  json.RawMessage // an object: its first fields, by their names on the wire
	About   []Saying        // lines that follow about the entity: results, errors, events
	Input   string          // the input for a trace around it, "" if unknown
	Output  string          // the output for a trace around it, "" if unknown
}

// Saying is a line about an entity.
type Saying struct {
	Action string
	Data   json.RawMessage
}

// KindOf returns the kind of entity for a span with these attributes. It returns false if no
// attribute is about generative AI by the conventions of OpenTelemetry, OpenInference or
// OpenLLMetry.
func KindOf(attributes []Attribute) (kind protocol.Kind, ok bool) {
	for _, a := range attributes {
		for _, prefix := range []string{"gen_ai.", "openinference.", "traceloop.", "llm.", "troupe."} {
			if strings.HasPrefix(a.Key, prefix) {
				return kindOf(attributesOf(attributes)), true
			}
		}
	}
	return protocol.Span, false
}

// Describe converts a span. It reads the values of s and retains none.
func Describe(s *Span) Description {
	own := &span{
		trace: s.TraceID, id: s.ID, parent: s.Parent, name: s.Name,
		start: nanosOf(s.Start), end: nanosOf(s.End),
		attributes: attributesOf(s.Attributes), failed: s.Failed, status: s.Status,
	}
	for _, e := range s.Events {
		own.events = append(own.events, event{at: nanosOf(e.At), name: e.Name, attributes: attributesOf(e.Attributes)})
	}
	m := maker{span: own, from: &origin{scope: s.Scope}, entity: &entity{
		trace: own.trace, span: own.id, parent: own.parent, start: own.start,
		ref: protocol.Ref{Kind: kindOf(own.attributes), ID: own.trace.String() + "-" + own.id.String()}, session: sessionOf(own.attributes),
	}}
	m.make()
	e := m.entity
	d := Description{
		Kind: e.ref.Kind, ID: e.ref.ID, Name: e.name, Session: e.session, Fields: e.begin.object(),
		Input: textFor(m.input), Output: textFor(m.output),
	}
	for _, lines := range [][][]byte{e.about, e.events} {
		for _, line := range lines {
			if parsed, err := wire.Parse(line); err == nil { // always: this package built the line
				d.About = append(d.About, Saying{parsed.Action, parsed.Data})
			}
		}
	}
	return d
}

func attributesOf(all []Attribute) attributes {
	own := make(attributes, len(all))
	for i, a := range all {
		own[i] = attribute{key: a.Key, value: a.Value}
	}
	return own
}

func nanosOf(t time.Time) uint64 {
	if t.IsZero() || t.UnixNano() < 0 {
		return 0
	}
	return uint64(t.UnixNano())
}

// object returns the fields as a JSON object.
func (f fields) object() json.RawMessage {
	if len(f) == 0 {
		return json.RawMessage("{}")
	}
	whole := append([]byte{'{'}, f[1:]...)
	return append(whole, '}')
}

// textFor returns a value as text, or "" if there is none.
func textFor(value any) string {
	if value == nil {
		return ""
	}
	if text, ok := value.(string); ok {
		return text
	}
	return asJSON(value)
}
