package export

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// ScopeName is the name of the instrumentation scope of all spans.
const ScopeName = "github.com/troupelog/troupe"

// Span is a node as a span of OpenTelemetry; see [OTLP] for the meaning of its fields.
type Span struct {
	TraceID    [16]byte
	ID         [8]byte
	Parent     [8]byte // zero if the span is the root of its trace
	Name       string  // never empty
	Client     bool    // the kind is CLIENT, else INTERNAL
	Start, End time.Time
	Attributes []Attribute // each key once
	Events     []SpanEvent
	Failed     bool
	Failure    string // message of the status; it may be empty
}

// SpanEvent is an event of a span.
type SpanEvent struct {
	Time       time.Time
	Name       string
	Attributes []Attribute
}

// Spans calls yield for the span of a node and of each node below it, parents first. It stops at
// the first error of yield and returns it, or the error of ctx.
func Spans(ctx context.Context, n *fold.Node, yield func(*Span) error) error {
	return spans(ctx, n, place{}, yield)
}

// place is the position of a node in the tree of spans.
type place struct {
	trace        [16]byte
	parent       [8]byte // zero above the root span
	conversation string
	start        time.Time // of the parent
}

func (p *place) isTop() bool { return p.parent == [8]byte{} }

func spans(ctx context.Context, n *fold.Node, at place, yield func(*Span) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if n.Kind == protocol.Session.String() && at.isTop() {
		at.conversation = n.ID
	} else {
		s := spanOf(n, &at)
		if err := yield(&s); err != nil {
			return err
		}
		at.parent = s.ID
	}
	for _, child := range n.Children {
		if isEvent(child) && !at.isTop() {
			continue
		}
		if err := spans(ctx, child, at, yield); err != nil {
			return err
		}
	}
	return nil
}

// isEvent reports whether a node is an event of its parent's span.
func isEvent(n *fold.Node) bool {
	return n.Kind == protocol.Error.String() && len(n.Children) == 0
}

// spanOf returns the span of a node. It changes at to the place of the node's children, except
// for the parent.
func spanOf(n *fold.Node, at *place) Span {
	if n.SessionID != "" {
		at.conversation = n.SessionID
	}
	sum := sha256.Sum256([]byte(n.Kind + "\x00" + n.ID))
	if at.isTop() {
		at.trace = [16]byte(sum[:])
	}
	if inRange(n.Start) {
		at.start = n.Start
	}
	end := at.start
	if inRange(n.End) && n.End.After(end) {
		end = n.End
	}
	s := Span{
		TraceID: at.trace, ID: [8]byte(sum[:]), Parent: at.parent, Name: spanName(n), Client: n.Kind == protocol.Generation.String(),
		Start: written(at.start), End: written(end), Attributes: attributesOf(n, at.conversation), Events: eventsOf(n, at.start, end),
	}
	if n.Status == "error" {
		s.Failed, s.Failure = true, failureOf(n).message
	}
	return s
}

func spanName(n *fold.Node) string {
	switch {
	case n.Kind == protocol.Generation.String() && n.Model != "":
		return "chat " + n.Model
	case n.Kind == protocol.ToolCall.String() && n.Name != "":
		return "execute_tool " + n.Name
	case n.Name != "":
		return n.Name
	case n.Kind != "":
		return n.Kind
	default:
		return "unnamed" // receivers require a name
	}
}

// inRange reports whether a time is known and its nanoseconds since 1970 can be written.
func inRange(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 2262 }

// written returns a time whose nanoseconds since 1970 can be written: 0 for an unknown one.
func written(t time.Time) time.Time {
	if !inRange(t) {
		return time.Unix(0, 0)
	}
	return t
}
