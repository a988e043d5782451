package export

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/fold"
)

// OTLP writes a trace, a session or any other node as OpenTelemetry spans in [OTLP/JSON],
// one object with "resourceSpans" that a collector accepts at /v1/traces.
//
// Model and tool calls have the attributes of the [conventions] for generative AI. Inputs
// and outputs of other nodes, and costs, use OpenInference's names, because the conventions
// have none; all else is below "troupe.". Messages, arguments and results are JSON
// within strings. A session has no span: the spans of its traces carry its id as
// gen_ai.conversation.id. Errors below a node are events of its span.
//
// Ids are derived from kinds and ids, so that every export of an entity has the same ids. A
// trace id is the beginning of the SHA-256 of "trace", a NUL and the trace's id; a span id
// is computed likewise from the node's kind and id. A node without a start starts with its
// parent. A node without an end ends at its start and, if it is open, has the attribute
// troupe.open.
//
// [OTLP/JSON]: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
// [conventions]: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
func OTLP(ctx context.Context, w io.Writer, n *fold.Node) error {
	out := bufio.NewWriter(w)
	// A bufio.Writer keeps the first error of its writer until Flush.
	_, _ = out.WriteString(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"troupe"}}]},` +
		`"scopeSpans":[{"scope":{"name":"` + ScopeName + `"},"spans":[`)
	separator := ""
	err := Spans(ctx, n, func(s *Span) error {
		raw, err := json.Marshal(jsonOf(s))
		if err != nil {
			return err // unreachable: all fields of a span can be encoded
		}
		_, _ = out.WriteString(separator)
		_, _ = out.Write(raw)
		separator = ","
		return nil
	})
	if err != nil {
		return err
	}
	_, _ = out.WriteString("]}]}]}\n")
	return out.Flush()
}

// spanJSON is a span of OTLP/JSON.
type spanJSON struct {
	TraceID string          `json:"traceId"`
	SpanID  string          `json:"spanId"`
	Parent  string          `json:"parentSpanId,omitempty"`
	Name    string          `json:"name"`
	Kind    int             `json:"kind"`
	Start   string          `json:"startTimeUnixNano"`
	End     string          `json:"endTimeUnixNano"`
	Attrs   []attributeJSON `json:"attributes,omitempty"`
	Events  []eventJSON     `json:"events,omitempty"`
	Status  statusJSON      `json:"status"`
}

type eventJSON struct {
	Time  string          `json:"timeUnixNano"`
	Name  string          `json:"name"`
	Attrs []attributeJSON `json:"attributes,omitempty"`
}

type statusJSON struct {
	Message string `json:"message,omitempty"`
	Code    int    `json:"code,omitempty"`
}

type attributeJSON struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// Numbers that OTLP defines.
const (
	kindInternal = 1
	kindClient   = 3
	statusError  = 2
)

func jsonOf(s *Span) spanJSON {
	out := spanJSON{
		TraceID: hex.EncodeToString(s.TraceID[:]), SpanID: hex.EncodeToString(s.ID[:]), Name: s.Name, Kind: kindInternal,
		Start: nanos(s.Start), End: nanos(s.End), Attrs: attributesJSON(s.Attributes),
	}
	if s.Parent != [8]byte{} {
		out.Parent = hex.EncodeToString(s.Parent[:])
	}
	if s.Client {
		out.Kind = kindClient
	}
	for _, e := range s.Events {
		out.Events = append(out.Events, eventJSON{nanos(e.Time), e.Name, attributesJSON(e.Attributes)})
	}
	if s.Failed {
		out.Status = statusJSON{Message: s.Failure, Code: statusError}
	}
	return out
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func attributesJSON(all []Attribute) []attributeJSON {
	var out []attributeJSON
	for _, a := range all {
		out = append(out, attributeJSON{a.Key, valueJSON(a.Value)})
	}
	return out
}

// valueJSON returns a value under the name of its type. Whole numbers become strings, because
// not every JSON reader can represent 64 bits.
func valueJSON(v any) map[string]any {
	switch v := v.(type) {
	case string:
		return map[string]any{"stringValue": v}
	case int64:
		return map[string]any{"intValue": strconv.FormatInt(v, 10)}
	case []string:
		values := make([]map[string]any, len(v))
		for i, text := range v {
			values[i] = valueJSON(text)
		}
		return map[string]any{"arrayValue": map[string]any{"values": values}}
	case bool:
		return map[string]any{"boolValue": v}
	default:
		return map[string]any{"doubleValue": v}
	}
}
