package otlp

import "github.com/troupelog/troupe/internal/fold"

// kindAttributes are the attributes that name the kind of a span, most reliable first, with
// the meaning of their values. Any other value makes a plain span.
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

// kindMarks are attributes that occur on one kind only, for spans that do not name theirs.
var kindMarks = []struct {
	key  string
	kind fold.Kind
}{
	{"gen_ai.tool.name", fold.ToolCall},
	{"gen_ai.request.model", fold.Generation},
	{"gen_ai.response.model", fold.Generation},
	{"llm.model_name", fold.Generation},
}

// kindOf returns the kind of entity that a span becomes.
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
