package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/pricing"
)

const otlpTrace = "0af7651916cd43dd8448eb211c80319c"

// otlpSpan returns a span in OTLP/JSON. attributes are its KeyValues.
func otlpSpan(id, parent, name string, start int, more string, attributes ...string) string {
	return fmt.Sprintf(`{"traceId":%q,"spanId":%q,"parentSpanId":%q,"name":%q,"startTimeUnixNano":"1700000000%03d000000",`+
		`"endTimeUnixNano":"1700000001%03d000000","attributes":[%s]%s}`,
		otlpTrace, id, parent, name, start, start, strings.Join(attributes, ","), more)
}

func textAttribute(key, value string) string {
	return fmt.Sprintf(`{"key":%q,"value":{"stringValue":%q}}`, key, value)
}

func intAttribute(key string, n int) string {
	return fmt.Sprintf(`{"key":%q,"value":{"intValue":"%d"}}`, key, n)
}

func otlpRequest(service string, spans ...string) string {
	return fmt.Sprintf(`{"resourceSpans":[{"resource":{"attributes":[%s]},"scopeSpans":[{"scope":{"name":"test"},"spans":[%s]}]}]}`,
		textAttribute("service.name", service), strings.Join(spans, ","))
}

// postOTLP sends a request that must be stored whole.
func (s *server) postOTLP(body string) {
	s.Helper()
	status, answer := s.do("POST", "/v1/traces", strings.NewReader(body), "Content-Type", "application/json")
	if status != http.StatusOK || answer != "{}" {
		s.Fatalf("status %d: %s", status, answer)
	}
}

// otlpTree reads a trace.
func (s *server) otlpTree(repo, id string) *fold.Node {
	s.Helper()
	var answer collector.Trace
	s.get("/api/v1/repositories/"+repo+"/traces/"+id, &answer)
	return &answer.Node
}

// agentSpans are the spans of a turn of an agent: the agent, a model call, a tool call
// with a model call below it, and a retrieval.
func agentSpans() []string {
	return []string{
		otlpSpan("0000000000000001", "", "invoke_agent helper", 0, "", textAttribute("gen_ai.operation.name", "invoke_agent"),
			textAttribute("gen_ai.conversation.id", "c-1"), textAttribute("input.value", "What is the weather?"), textAttribute("output.value", "Sunny.")),
		otlpSpan("0000000000000002", "0000000000000001", "chat gpt-4o", 10, "", textAttribute("gen_ai.operation.name", "chat"),
			textAttribute("gen_ai.provider.name", "openai"), textAttribute("gen_ai.request.model", "gpt-4o"),
			textAttribute("gen_ai.input.messages", `[{"role":"user","parts":[{"type":"text","content":"What is the weather?"}]}]`),
			textAttribute("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"tool_call","id":"call1","name":"weather","arguments":{"city":"Paris"}}],"finish_reason":"tool_calls"}]`),
			intAttribute("gen_ai.usage.input_tokens", 1000), intAttribute("gen_ai.usage.output_tokens", 100),
			intAttribute("gen_ai.usage.cache_read.input_tokens", 200)),
		otlpSpan("0000000000000003", "0000000000000001", "execute_tool weather", 20, "", textAttribute("gen_ai.operation.name", "execute_tool"),
			textAttribute("gen_ai.tool.name", "weather"), textAttribute("gen_ai.tool.call.arguments", `{"city":"Paris"}`), textAttribute("gen_ai.tool.call.result", "sunny")),
		otlpSpan("0000000000000004", "0000000000000003", "chat small", 30, "", textAttribute("openinference.span.kind", "LLM"),
			textAttribute("llm.model_name", "gpt-4o-mini"), textAttribute("llm.input_messages.0.message.role", "user"),
			textAttribute("llm.input_messages.0.message.content", "Sum up"), textAttribute("llm.output_messages.0.message.role", "assistant"),
			textAttribute("llm.output_messages.0.message.content", "sunny"), intAttribute("llm.token_count.prompt", 10), intAttribute("llm.token_count.completion", 2)),
		otlpSpan("0000000000000005", "0000000000000001", "retrieve", 40, "", textAttribute("openinference.span.kind", "RETRIEVER"),
			textAttribute("input.value", "weather"), textAttribute("retrieval.documents.0.document.content", "It is sunny.")),
	}
}

// outline is a tree as kinds, names and what hangs below.
func outline(n *fold.Node, depth int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s %s\n", strings.Repeat("  ", depth), n.Kind, n.Name)
	for _, child := range n.Children {
		b.WriteString(outline(child, depth+1))
	}
	return b.String()
}

const agentOutline = `trace invoke_agent helper
  span invoke_agent helper
    generation chat gpt-4o
    tool_call weather
      generation chat small
    retrieval retrieve
`

func TestOTLPSpansBecomeATree(t *testing.T) {
	s := start(t, collector.Config{APIKey: "key"})
	s.postOTLP(otlpRequest("shop", agentSpans()...))
	root := s.otlpTree("shop", otlpTrace)
	if diff := cmp.Diff(agentOutline, outline(root, 0)); diff != "" {
		t.Fatal(diff)
	}
	if root.SessionID != "c-1" || string(root.Input) != `"What is the weather?"` || string(root.Output) != `"Sunny."` || root.Status != "ended" {
		t.Errorf("trace %s", encode(t, root))
	}
	generation := root.Children[0].Children[0]
	want := pricing.Usage{Input: 1000, Output: 100, Total: 1100, CacheRead: 200}
	if generation.Usage != want || generation.Cost.Total == 0 || generation.Provider != "openai" || len(generation.Messages) != 1 {
		t.Errorf("generation %s", encode(t, generation))
	}
	if tool := root.Children[0].Children[1]; string(tool.Args) != `{"city":"Paris"}` || string(tool.Result) != `"sunny"` {
		t.Errorf("tool call %s", encode(t, tool))
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The spans of a trace in all orders and cuts make the same tree.
func TestOTLPOrderDoesNotMatter(t *testing.T) {
	spans := agentSpans()
	for i, order := range [][]int{{4, 3, 2, 1, 0}, {3, 4, 1, 0, 2}, {0, 1, 2, 3, 4}, {2, 3, 0, 4, 1}} {
		s := start(t, collector.Config{})
		for _, n := range order {
			s.postOTLP(otlpRequest("shop", spans[n]))
		}
		if diff := cmp.Diff(agentOutline, outline(s.otlpTree("shop", otlpTrace), 0)); diff != "" {
			t.Errorf("order %d: %s", i, diff)
		}
	}
}

func TestOTLPSameSpansAreStoredOnce(t *testing.T) {
	s := start(t, collector.Config{})
	spans := agentSpans()
	s.postOTLP(otlpRequest("shop", spans...))
	before := encode(t, s.otlpTree("shop", otlpTrace))
	s.postOTLP(otlpRequest("shop", spans...))
	for _, span := range spans {
		s.postOTLP(otlpRequest("shop", span))
	}
	if diff := cmp.Diff(before, encode(t, s.otlpTree("shop", otlpTrace))); diff != "" {
		t.Error(diff)
	}
}

// A trace is there without its root, and has its name from it as soon as it comes.
func TestOTLPTraceWithoutRoot(t *testing.T) {
	s := start(t, collector.Config{})
	spans := agentSpans()
	s.postOTLP(otlpRequest("shop", spans[3]))
	want := "trace chat small\n  generation chat small\n"
	if diff := cmp.Diff(want, outline(s.otlpTree("shop", otlpTrace), 0)); diff != "" {
		t.Error(diff)
	}
}
