package fold

import (
	"time"

	"github.com/troupelog/troupe/internal/protocol"
)

// isTraceID reports whether an id is a trace id of OpenTelemetry.
func isTraceID(id string) bool {
	_, ok := protocol.ParseTraceID(id)
	return ok
}

// shownID returns that of two ids with the same key which is to be shown: the id as it was
// given rather than the safe one that was derived from it, and an id of the trace's own
// rather than that of OpenTelemetry.
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

// originalTag is the tag that has the id as it was given, where it is not the wire's.
const originalTag = "troupe.id"

// mergeTags takes tags, and the id as it was given if they have it.
func (e *Entity) mergeTags(object []byte) {
	e.Tags = mergeTags(e.Tags, object)
	given := e.Tags[originalTag]
	if given != "" && given != e.Ref.ID && protocol.SafeID(given) == protocol.SafeID(e.Ref.ID) {
		e.Ref.ID = shownID(given, e.Ref.ID)
	}
}

// naming reports whether a change is the first that begins or changes a trace by an id of
// its own.
func (e *Entity) naming(c Change) bool {
	return e.Ref.Kind == protocol.Trace && !e.Named && !c.weak && (c.does == begin || c.does == set)
}

// takeName lets go of what lines said that named the trace by its id of OpenTelemetry.
func (e *Entity) takeName() {
	e.Named, e.Guessed = true, false
	e.Name, e.First, e.Last, e.SessionID = "", "", "", ""
	e.Start, e.End, e.Session = time.Time{}, time.Time{}, Key{}
	e.Started, e.Ended = false, false
}

// passes reports whether a change does nothing but to labels, as Named says.
func (e *Entity) passes(c Change) bool {
	return c.weak && e.Named && (c.does == begin || c.does == set)
}

// applyLabels takes tags and metadata.
func (e *Entity) applyLabels(fields []field) {
	for _, f := range fields {
		if (f.key == "tags" || f.key == "metadata") && !isNull(f.value) {
			e.set(set, f)
		}
	}
}

// guess takes the name and the start of a span in a trace, given by its fields, if it began
// before the one they were taken of, as long as no line says them.
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

// unguess lets go of a guess, because a line says a name or a start.
func (e *Entity) unguess() {
	if e.Guessed {
		e.Name, e.Start, e.Guessed = "", time.Time{}, false
	}
}

// takeName lets go of what lines said that named the trace by its id of OpenTelemetry.
func (n *Node) takeName() { n.Name, n.Input, n.Output = "", nil, nil }

// applyLabels takes tags and metadata.
func (n *Node) applyLabels(fields []field) {
	for _, f := range fields {
		if (f.key == "tags" || f.key == "metadata") && !isNull(f.value) {
			n.setMap(f)
		}
	}
}
