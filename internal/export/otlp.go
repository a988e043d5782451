package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/fold"
)

// OTLP writes a trace, a session or any other node as OpenTelemetry spans in [OTLP/JSON],
// one object with "resourceSpans" that a collector takes at /v1/traces.
//
// Model and tool calls have the attributes of the [conventions] for generative AI; inputs
// and outputs of other nodes, and costs, have OpenInference's names, as the conventions
// have none, and the rest is below "troupe.". Messages, arguments and results are JSON
// within strings. A session is no span: the spans of its traces have its id as
// gen_ai.conversation.id. Errors below a node are events of it.
//
// Ids are made of kinds and ids, so that exports of the same entities have the same: a
// trace's is the beginning of the SHA-256 of "trace", a NUL and its id, a span's that of
// its own kind and id. A node without a start has its parent's, and one without an end
// ends when it starts and has the attribute troupe.open if it is open.
//
// [OTLP/JSON]: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
// [conventions]: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
func OTLP(ctx context.Context, w io.Writer, n *fold.Node) error {
	o := otlp{w: bufio.NewWriter(w)}
	o.text(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"troupe"}}]},` +
		`"scopeSpans":[{"scope":{"name":"github.com/troupelog/troupe"},"spans":[`)
	if err := o.node(ctx, n, place{}); err != nil {
		return err
	}
	o.text("]}]}]}\n")
	return o.w.Flush()
}

// span is a span of OTLP/JSON.
type span struct {
	TraceID string      `json:"traceId"`
	SpanID  string      `json:"spanId"`
	Parent  string      `json:"parentSpanId,omitempty"`
	Name    string      `json:"name"`
	Kind    int         `json:"kind"`
	Start   string      `json:"startTimeUnixNano"`
	End     string      `json:"endTimeUnixNano"`
	Attrs   attributes  `json:"attributes,omitempty"`
	Events  []spanEvent `json:"events,omitempty"`
	Status  spanStatus  `json:"status"`
}

type spanEvent struct {
	Time  string     `json:"timeUnixNano"`
	Name  string     `json:"name"`
	Attrs attributes `json:"attributes,omitempty"`
}

type spanStatus struct {
	Message string `json:"message,omitempty"`
	Code    int    `json:"code,omitempty"`
}

// Numbers of the protocol.
const (
	kindInternal = 1
	kindClient   = 3
	statusError  = 2
)

// place is where a node stands.
type place struct {
	trace, parent string
	conversation  string
	start         time.Time // of the parent
}

// otlp writes spans. Errors of its writer are kept by that, until Flush.
type otlp struct {
	w     *bufio.Writer
	spans int
}

func (o *otlp) text(s string) { _, _ = o.w.WriteString(s) }

// node writes the spans of a node and of what is below it.
func (o *otlp) node(ctx context.Context, n *fold.Node, at place) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if n.Kind == fold.Session.String() && at.parent == "" {
		at.conversation = n.ID
	} else {
		s := spanOf(n, &at)
		raw, err := json.Marshal(s)
		if err != nil {
			return err // never: a span has nothing that is not JSON
		}
		if o.spans++; o.spans > 1 {
			o.text(",")
		}
		o.text(string(raw))
		at.parent = s.SpanID
	}
	for _, child := range n.Children {
		if isEvent(child) && at.parent != "" {
			continue
		}
		if err := o.node(ctx, child, at); err != nil {
			return err
		}
	}
	return nil
}

// isEvent reports whether a node is written as an event of its parent.
func isEvent(n *fold.Node) bool {
	return n.Kind == fold.Error.String() && len(n.Children) == 0
}

// spanOf returns the span of a node, and makes its place that of its children but for
// the parent.
func spanOf(n *fold.Node, at *place) span {
	if n.SessionID != "" {
		at.conversation = n.SessionID
	}
	if at.parent == "" {
		at.trace = hash(n.Kind, n.ID, 16)
	}
	if inRange(n.Start) {
		at.start = n.Start
	}
	end := at.start
	if inRange(n.End) && n.End.After(end) {
		end = n.End
	}
	s := span{
		TraceID: at.trace, SpanID: hash(n.Kind, n.ID, 8), Parent: at.parent, Name: spanName(n), Kind: kindInternal,
		Start: nanos(at.start), End: nanos(end),
	}
	if n.Kind == fold.Generation.String() {
		s.Kind = kindClient
	}
	s.Attrs = attributesOf(n, at.conversation)
	s.Events = eventsOf(n, at.start, end)
	if n.Status == "error" {
		s.Status = spanStatus{Message: failureOf(n).message, Code: statusError}
	}
	return s
}

func spanName(n *fold.Node) string {
	switch {
	case n.Kind == fold.Generation.String() && n.Model != "":
		return "chat " + n.Model
	case n.Kind == fold.ToolCall.String() && n.Name != "":
		return "execute_tool " + n.Name
	case n.Name != "":
		return n.Name
	case n.Kind != "":
		return n.Kind
	default:
		return "unnamed" // receivers ask for a name
	}
}

// hash returns the first bytes of the SHA-256 of a kind and an id, in hexadecimal.
func hash(kind, id string, size int) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + id))
	return hex.EncodeToString(sum[:size])
}

// inRange reports whether a time is known and its nanoseconds since 1970 can be written.
func inRange(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 2262 }

func nanos(t time.Time) string {
	if !inRange(t) {
		return "0"
	}
	return strconv.FormatInt(t.UnixNano(), 10)
}
