package storetest

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/protocol"
)

// Lines draws the lines of a trace "t", in the order in which a client would send
// them, as far as it would: entities begin twice or never, end early, and hang
// below one another in strange ways.
func Lines(t *rapid.T) []string {
	entities := []string{"trace{id=t", "span{id=s1", "span{id=s2", "generation{id=g1", "generation{id=g2",
		"retrieval{id=r1", "tool_call{id=c1", "session{id=x", "trace{id=u",
		"trace{id=" + otelTrace, "session{id=user/1", "session{id=" + protocol.SafeID("user/1")}
	lines := []string{`trace{id=t,action=create,data={"name":"first","startTimestamp":"2026-01-01T00:00:00Z"}}`}
	n := rapid.IntRange(0, 40).Draw(t, "lines")
	for range n {
		entity := rapid.SampledFrom(entities).Draw(t, "entity")
		lines = append(lines, entity+rapid.SampledFrom(verbs).Draw(t, "verb")(t)+"}")
	}
	return lines
}

// verbs draw the rest of a line, behind the id.
var verbs = []func(*rapid.T) string{
	func(t *rapid.T) string { return `,action=create,data={"name":` + name(t) + `,` + at(t, "start") + `}` },
	func(t *rapid.T) string {
		return `,action=update,data={"name":` + name(t) + `,"tags":` + object(t) + `,"metadata":` + object(t) + `}`
	},
	func(t *rapid.T) string {
		return `,action=update,data={"input":` + name(t) + `,"output":` + name(t) + `}`
	},
	func(t *rapid.T) string { return `,action=update,data={"metrics":` + object(t) + `,"sessionId":"x"}` },
	func(t *rapid.T) string {
		return `,action=update,data={"messages":[` + name(t) + `],` + at(t, "start") + `}`
	},
	func(t *rapid.T) string { return `,action=add-span,data={"id":"s1","name":` + name(t) + `}` },
	func(t *rapid.T) string { return `,action=add-span,data={"id":"s2",` + at(t, "start") + `}` },
	func(t *rapid.T) string { return `,action=add-generation,data={"id":"g1","messages":[` + name(t) + `]}` },
	func(t *rapid.T) string { return `,action=add-generation,data={"id":"g2","model":` + name(t) + `}` },
	func(t *rapid.T) string { return `,action=add-trace,data={"id":"u","name":` + name(t) + `}` },
	func(t *rapid.T) string { return `,action=add-retrieval,data={"id":"r1"}` },
	func(t *rapid.T) string { return `,action=add-tool-call,data={"id":"c1","args":"{}"}` },
	func(t *rapid.T) string { return `,action=add-error,data={"message":` + name(t) + `}` },
	func(t *rapid.T) string { return `,action=add-event,data={"name":` + name(t) + `}` },
	func(t *rapid.T) string { return `,action=add-feedback,data={"score":1}` },
	func(t *rapid.T) string {
		n := rapid.IntRange(0, 9).Draw(t, "tokens")
		return fmt.Sprintf(`,action=result,data={"result":{"usage":{"prompt_tokens":%d},"error":null}}`, n)
	},
	func(t *rapid.T) string {
		return `,action=result,data={"result":{"choices":[{"message":{"content":` + name(t) + `}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}}`
	},
	func(t *rapid.T) string {
		return `,action=update,data={"model":` + name(t) + `,"messages":[{"role":"user","content":` + name(t) + `}]}`
	},
	func(t *rapid.T) string { return `,action=result,data={"result":{"error":{"message":` + name(t) + `}}}` },
	func(t *rapid.T) string { return `,action=add-cost,data={"cost":{"input":0.5,"output":NaN}}` },
	func(t *rapid.T) string { return `,action=end,data={` + at(t, "end") + `}` },
	func(t *rapid.T) string { return `,action=end,data=null` },
	func(t *rapid.T) string {
		return `,action=update,data={"sessionId":` + rapid.SampledFrom([]string{`"user/1"`, safeSession}).Draw(t, "session") + `}`
	},
	func(t *rapid.T) string { return `,action=create,data={"tags":{"troupe.id":"user/1"}}` },
	spanVerb, spanVerb, spanVerb,
}

// otelTrace is the id by which OpenTelemetry knows the trace "t".
var otelTrace = protocol.TraceIDOf("t").String()

var safeSession = `"` + protocol.SafeID("user/1") + `"`

// spanVerb begins what was a span of OpenTelemetry, whose parent is such a span, or an
// entity of a client, or never comes.
func spanVerb(t *rapid.T) string {
	var spans []string
	for i := range 5 {
		spans = append(spans, fmt.Sprintf("%016x", i+1))
	}
	id := otelTrace + "-" + rapid.SampledFrom(spans[:4]).Draw(t, "span")
	more := ""
	if rapid.IntRange(0, 4).Draw(t, "exported") == 0 {
		id, more = "exported", `"otel.span_id":"`+spans[3]+`",`
	}
	if rapid.Bool().Draw(t, "below") {
		parents := append(spans, protocol.SpanIDOf("s1").String(), protocol.SpanIDOf("g1").String(), protocol.SpanIDOf("t").String())
		more += `"otel.parent_span_id":"` + rapid.SampledFrom(parents).Draw(t, "parent span") + `",`
	}
	verb := rapid.SampledFrom([]string{"add-span", "add-generation", "add-error"}).Draw(t, "begins")
	return `,action=` + verb + `,data={"id":"` + id + `",` + more + `"name":` + name(t) + `,` + at(t, "start") + `}`
}

func name(t *rapid.T) string {
	return rapid.SampledFrom([]string{`"a"`, `"b"`, `"\ud800"`, `null`, `7`}).Draw(t, "name")
}

func object(t *rapid.T) string {
	return rapid.SampledFrom([]string{`{}`, `{"k":"v"}`, `{"k":null}`, `{"k":1,"l":NaN}`, `"no object"`}).Draw(t, "object")
}

func at(t *rapid.T, which string) string {
	second := rapid.IntRange(0, 5).Draw(t, "second")
	return fmt.Sprintf(`"%sTimestamp":"2026-01-01T00:00:0%d.5+00:00"`, which, second)
}
