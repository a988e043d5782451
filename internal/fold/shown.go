package fold

import (
	"time"

	"github.com/troupelog/troupe/internal/protocol"
)

// isTraceID reports whether an id is an OpenTelemetry trace id.
func isTraceID(id string) bool {
	_, ok := protocol.ParseTraceID(id)
	return ok
}

// shownID chooses which of two ids with the same key to show: the original id rather than
// the safe id derived from it, and the client's id rather than the OpenTelemetry trace id.
func shownID(a, b string) string {
	rank := func(id string) int {
		switch {
		case !protocol.ValidID(id):
			return 0
		case isTraceID(id):
			return 2
		default:
			return 1
		}
	}
	if ra, rb := rank(a), rank(b); ra != rb {
		if ra < rb {
			return a
		}
		return b
	}
	return min(a, b)
}

// originalTag is the tag with the original id, if the id on the wire differs from it.
const originalTag = "troupe.id"

// mergeTags merges tags, and adopts the original id if they have it.
func (e *Entity) mergeTags(object []byte) {
	e.Tags = mergeTags(e.Tags, object)
	given := e.Tags[originalTag]
	if given != "" && given != e.Ref.ID && protocol.SafeID(given) == protocol.SafeID(e.Ref.ID) {
		e.Ref.ID = shownID(given, e.Ref.ID)
	}
}

// naming reports whether a change is the first to begin or change a trace under an id
// chosen by the client.
func (e *Entity) naming(c Change) bool {
	return e.Ref.Kind == protocol.Trace && !e.Named && !c.weak && (c.does == begin || c.does == set)
}

// takeName discards the values from lines that named the trace by its OpenTelemetry id.
func (e *Entity) takeName() {
	e.Named, e.Guessed = true, false
	e.Name, e.First, e.Last, e.SessionID = "", "", "", ""
	e.Start, e.End, e.Session = time.Time{}, time.Time{}, Key{}
	e.Started, e.Ended = false, false
}

// passes reports whether a change may affect only labels, as described at Named.
func (e *Entity) passes(c Change) bool {
	return c.weak && e.Named && (c.does == begin || c.does == set)
}

// applyLabels applies the tags and metadata among the fields.
func (e *Entity) applyLabels(fields []field) {
	for _, f := range fields {
		if (f.key == "tags" || f.key == "metadata") && !isNull(f.value) {
			e.set(set, f)
		}
	}
}

// guess adopts the name and start of a span in the trace, given by its fields, if it began
// before the span adopted so far. It does nothing once a line has set them.
func (e *Entity) guess(fields []field) {
	if len(fields) == 0 || e.Named || !e.Guessed && (e.Name != "" || !e.Start.IsZero()) {
		return
	}
	var name string
	var start time.Time
	for _, f := range fields {
		switch f.key {
		case "name":
			name = clip(text(f.value))
		case "startTimestamp":
			start, _ = timestamp(f.value)
		}
	}
	earlier := e.Start.IsZero() && !start.IsZero() || start.Before(e.Start) && !start.IsZero()
	if !e.Guessed || earlier || start.Equal(e.Start) && name < e.Name {
		e.Name, e.Start, e.Guessed = name, start, true
	}
}

// unguess discards a guess, because a line sets a name or a start.
func (e *Entity) unguess() {
	if e.Guessed {
		e.Name, e.Start, e.Guessed = "", time.Time{}, false
	}
}

// takeName discards the values from lines that named the trace by its OpenTelemetry id.
func (n *Node) takeName() { n.Name, n.Input, n.Output = "", nil, nil }

// applyLabels applies the tags and metadata among the fields.
func (n *Node) applyLabels(fields []field) {
	for _, f := range fields {
		if (f.key == "tags" || f.key == "metadata") && !isNull(f.value) {
			n.setMap(f)
		}
	}
}
