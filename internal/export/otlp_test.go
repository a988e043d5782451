package export

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/troupelog/troupe/internal/fold"
)

// decodeOTLP reads spans as any receiver does, and checks what holds for all.
func decodeOTLP(t fataler, text string) []*tracepb.Span {
	t.Helper()
	var data tracepb.TracesData
	if err := protojson.Unmarshal(withBase64IDs(t, text), &data); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(data.ResourceSpans) != 1 || len(data.ResourceSpans[0].ScopeSpans) != 1 {
		t.Fatalf("not one resource and one scope: %s", text)
	}
	spans := data.ResourceSpans[0].ScopeSpans[0].Spans
	seen := map[string]bool{}
	for _, s := range spans {
		if len(s.TraceId) != 16 || len(s.SpanId) != 8 || s.Name == "" || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Fatalf("a span that receivers reject: %v", s)
		}
		if len(s.ParentSpanId) > 0 && !seen[string(s.TraceId)+string(s.ParentSpanId)] {
			t.Fatalf("the parent of a span is not before it: %v", s)
		}
		seen[string(s.TraceId)+string(s.SpanId)] = true
		keys := map[string]bool{}
		for _, a := range s.Attributes {
			if keys[a.Key] {
				t.Fatalf("the attribute %q comes twice: %v", a.Key, s)
			}
			keys[a.Key] = true
		}
	}
	return spans
}

// withBase64IDs puts base64 in place of the hexadecimal ids: in this OTLP/JSON is not
// the JSON of protocol buffers.
func withBase64IDs(t fataler, text string) []byte {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var convert func(any)
	convert = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				convert(e)
			}
		case map[string]any:
			for key, e := range v {
				s, isText := e.(string)
				if isText && (key == "traceId" || key == "spanId" || key == "parentSpanId") {
					id, err := hex.DecodeString(s)
					if err != nil {
						t.Fatalf("the %s %q is not hexadecimal", key, s)
					}
					v[key] = id // which encoding/json writes in base64
				}
				convert(e)
			}
		}
	}
	convert(v)
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func valueOf(attrs []*commonpb.KeyValue, key string) any {
	for _, a := range attrs {
		if a.Key != key {
			continue
		}
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			return v.StringValue
		case *commonpb.AnyValue_IntValue:
			return v.IntValue
		case *commonpb.AnyValue_DoubleValue:
			return v.DoubleValue
		case *commonpb.AnyValue_BoolValue:
			return v.BoolValue
		case *commonpb.AnyValue_ArrayValue:
			var all []string
			for _, e := range v.ArrayValue.Values {
				all = append(all, e.GetStringValue())
			}
			return all
		}
	}
	return nil
}

func TestSpansHaveWhatTheConventionsName(t *testing.T) {
	t.Parallel()
	spans := decodeOTLP(t, output(t, OTLP, load(t, "session.json")))
	names, byName := []string{}, map[string]*tracepb.Span{}
	for _, s := range spans {
		names = append(names, s.Name)
		if byName[s.Name] == nil {
			byName[s.Name] = s
		}
	}
	want := []string{"answer", "chat small-1", "look up", "execute_tool find_order", "orders", "chat small-1", "chat small-1", "trace"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Fatalf("wrong spans (-want +got):\n%s", diff)
	}
	call := byName["chat small-1"]
	for key, want := range map[string]any{
		"gen_ai.conversation.id": "s1", "gen_ai.operation.name": "chat", "gen_ai.provider.name": "aws.bedrock",
		"gen_ai.request.model": "small-1", "gen_ai.response.model": "small-1-0102", "gen_ai.response.id": "r1",
		"gen_ai.request.temperature": 0.7, "gen_ai.request.max_tokens": int64(256), "gen_ai.request.stop_sequences": []string{"END"},
		"gen_ai.response.finish_reasons": []string{"tool_calls"}, "gen_ai.usage.input_tokens": int64(1200),
		"gen_ai.usage.output_tokens": int64(30), "gen_ai.usage.cache_read.input_tokens": int64(1000),
		"llm.cost.total": 0.0021, "troupe.parameter.user": "u1",
		"gen_ai.input.messages": `[{"role":"system","parts":[{"type":"text","content":"Be kind."}]},` +
			`{"role":"user","parts":[{"type":"text","content":"Where is my order?"},{"type":"uri","modality":"image","uri":"https://example.com/a.png"}]}]`,
		"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"text","content":"Let me see."},` +
			`{"type":"tool_call","id":"c1","name":"find_order","arguments":{"id":9007199254740993}}],"finish_reason":"tool_calls"}]`,
	} {
		if diff := cmp.Diff(want, valueOf(call.Attributes, key)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if call.Kind != tracepb.Span_SPAN_KIND_CLIENT || call.EndTimeUnixNano-call.StartTimeUnixNano != uint64(320*time.Millisecond) {
		t.Errorf("kind %v, %d ns", call.Kind, call.EndTimeUnixNano-call.StartTimeUnixNano)
	}
	if open := byName["trace"]; valueOf(open.Attributes, "troupe.open") != true || open.EndTimeUnixNano != open.StartTimeUnixNano {
		t.Errorf("an open trace is %v", open)
	}
	if bytes.Equal(byName["trace"].TraceId, byName["answer"].TraceId) {
		t.Error("two traces have the same id")
	}
}

func TestErrorsAreStatusesAndEvents(t *testing.T) {
	t.Parallel()
	spans := decodeOTLP(t, output(t, OTLP, load(t, "session.json")))
	tool, failed, trace := spans[3], spans[6], spans[0]
	if tool.Status.Code != tracepb.Status_STATUS_CODE_ERROR || tool.Status.Message != "no such order" || valueOf(tool.Attributes, "error.type") != "404" {
		t.Errorf("the tool call is %v", tool)
	}
	if failed.Status.Message != "too many requests" || valueOf(failed.Attributes, "error.type") != "rate_limit" {
		t.Errorf("the failed call is %v", failed)
	}
	if len(trace.Events) != 2 || trace.Events[0].Name != "looked up" || trace.Events[1].Name != "exception" ||
		valueOf(trace.Events[1].Attributes, "exception.message") != "gave up" || valueOf(trace.Events[1].Attributes, "exception.type") != "Timeout" {
		t.Errorf("the events are %v", trace.Events)
	}
}

func TestEarlierAttemptsAreNotAnswers(t *testing.T) {
	t.Parallel()
	failed, said := json.RawMessage(`{"error":{"message":"busy"}}`), json.RawMessage(`{"choices":[{"message":{"role":"assistant","content":"yes"}}]}`)
	n := &fold.Node{Kind: "generation", ID: "g", Attempts: []json.RawMessage{failed}, Result: said}
	attrs := decodeOTLP(t, output(t, OTLP, n))[0].Attributes
	if got, want := valueOf(attrs, "gen_ai.output.messages"), `[{"role":"assistant","parts":[{"type":"text","content":"yes"}]}]`; got != want {
		t.Errorf("answers %v, want %s", got, want)
	}
	if diff := cmp.Diff([]string{string(failed)}, valueOf(attrs, "troupe.attempt")); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestIDsDependOnKindAndIDOnly(t *testing.T) {
	t.Parallel()
	session := load(t, "session.json")
	whole := decodeOTLP(t, output(t, OTLP, session))
	alone := decodeOTLP(t, output(t, OTLP, session.Children[0]))
	if !bytes.Equal(whole[1].TraceId, alone[1].TraceId) || !bytes.Equal(whole[1].SpanId, alone[1].SpanId) {
		t.Error("a span has other ids when its trace is exported alone")
	}
	part := decodeOTLP(t, output(t, OTLP, session.Children[0].Children[1]))
	if len(part) != 3 || len(part[0].ParentSpanId) != 0 {
		t.Errorf("a span alone is %v", part)
	}
}

func TestTimesThatCannotBeWrittenAreThoseOfTheParent(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	n := &fold.Node{Kind: "trace", ID: "t", Start: start, End: start.Add(-time.Second), Children: []*fold.Node{
		{Kind: "span", ID: "a", Start: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, {Kind: "span", ID: "b"},
	}}
	for _, s := range decodeOTLP(t, output(t, OTLP, n)) {
		if s.StartTimeUnixNano != uint64(start.UnixNano()) || s.EndTimeUnixNano != s.StartTimeUnixNano {
			t.Errorf("%x runs from %d to %d", s.SpanId, s.StartTimeUnixNano, s.EndTimeUnixNano)
		}
	}
}
