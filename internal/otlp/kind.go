package otlp

import "github.com/troupelog/troupe/internal/protocol"

// kindAttributes are the attributes that name the kind of a span, most reliable first, with
// the meaning of their values. Any other value makes a plain span.
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

// kindMarks are attributes that occur on one kind only, for spans that do not name theirs.
var kindMarks = []struct {
	key  string
	kind protocol.Kind
}{
	{"gen_ai.tool.name", protocol.ToolCall},
	{"gen_ai.request.model", protocol.Generation},
	{"gen_ai.response.model", protocol.Generation},
	{"llm.model_name", protocol.Generation},
}

// kindOf returns the kind of entity that a span becomes.
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
