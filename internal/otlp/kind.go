package otlp

import "github.com/troupelog/troupe/internal/fold"

// Attributes that say what kind a span is, most telling first, and what their values mean.
// What has one of them with another value is a span.
var kindAttributes = []struct {
	key   string
	kinds map[string]fold.Kind
}{
	{"troupe.kind", map[string]fold.Kind{
		"trace": fold.Trace, "generation": fold.Generation, "retrieval": fold.Retrieval, "tool_call": fold.ToolCall, "error": fold.Error,
	}},
	{"openinference.span.kind", map[string]fold.Kind{
		"LLM": fold.Generation, "EMBEDDING": fold.Generation, "TOOL": fold.ToolCall,
		"RETRIEVER": fold.Retrieval, "RERANKER": fold.Retrieval,
	}},
	{"gen_ai.operation.name", map[string]fold.Kind{
		"chat": fold.Generation, "text_completion": fold.Generation, "completion": fold.Generation, "generate_content": fold.Generation,
		"embeddings": fold.Generation, "execute_tool": fold.ToolCall, "retrieval": fold.Retrieval,
	}},
	{"traceloop.span.kind", map[string]fold.Kind{"tool": fold.ToolCall}},
	{"llm.request.type", map[string]fold.Kind{
		"chat": fold.Generation, "completion": fold.Generation, "embedding": fold.Generation, "rerank": fold.Retrieval,
	}},
}

// Attributes that only one kind has, for spans that do not say what they are.
var kindMarks = []struct {
	key  string
	kind fold.Kind
}{
	{"gen_ai.tool.name", fold.ToolCall},
	{"gen_ai.request.model", fold.Generation},
	{"gen_ai.response.model", fold.Generation},
	{"llm.model_name", fold.Generation},
}

// kindOf returns what a span becomes.
func kindOf(a attributes) fold.Kind {
	for _, k := range kindAttributes {
		if value := textOf(a.peek(k.key)); value != "" {
			if kind, ok := k.kinds[value]; ok {
				return kind
			}
			return fold.Span
		}
	}
	for _, m := range kindMarks {
		if a.peek(m.key) != nil {
			return m.kind
		}
	}
	return fold.Span
}
