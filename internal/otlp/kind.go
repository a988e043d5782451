package otlp

import "github.com/troupelog/troupe/internal/protocol"

// Attributes that say what kind a span is, most telling first, and what their values mean.
// What has one of them with another value is a span.
var kindAttributes = []struct {
	key   string
	kinds map[string]protocol.Kind
}{
	{"troupe.kind", map[string]protocol.Kind{
		"trace": protocol.Trace, "generation": protocol.Generation, "retrieval": protocol.Retrieval, "tool_call": protocol.ToolCall, "error": protocol.Error,
	}},
	{"openinference.span.kind", map[string]protocol.Kind{
		"LLM": protocol.Generation, "EMBEDDING": protocol.Generation, "TOOL": protocol.ToolCall,
		"RETRIEVER": protocol.Retrieval, "RERANKER": protocol.Retrieval,
	}},
	{"gen_ai.operation.name", map[string]protocol.Kind{
		"chat": protocol.Generation, "text_completion": protocol.Generation, "completion": protocol.Generation, "generate_content": protocol.Generation,
		"embeddings": protocol.Generation, "execute_tool": protocol.ToolCall, "retrieval": protocol.Retrieval,
	}},
	{"traceloop.span.kind", map[string]protocol.Kind{"tool": protocol.ToolCall}},
	{"llm.request.type", map[string]protocol.Kind{
		"chat": protocol.Generation, "completion": protocol.Generation, "embedding": protocol.Generation, "rerank": protocol.Retrieval,
	}},
}

// Attributes that only one kind has, for spans that do not say what they are.
var kindMarks = []struct {
	key  string
	kind protocol.Kind
}{
	{"gen_ai.tool.name", protocol.ToolCall},
	{"gen_ai.request.model", protocol.Generation},
	{"gen_ai.response.model", protocol.Generation},
	{"llm.model_name", protocol.Generation},
}

// kindOf returns what a span becomes.
func kindOf(a attributes) protocol.Kind {
	for _, k := range kindAttributes {
		if value := textOf(a.peek(k.key)); value != "" {
			if kind, ok := k.kinds[value]; ok {
				return kind
			}
			return protocol.Span
		}
	}
	for _, m := range kindMarks {
		if a.peek(m.key) != nil {
			return m.kind
		}
	}
	return protocol.Span
}
