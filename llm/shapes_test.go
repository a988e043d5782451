package llm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/llm"
)

// shape is one call in the protocol of a provider, and what is to be logged of it.
type shape struct {
	path, request   string
	kind            string   // of the answer
	pieces          []string // of the answer
	provider, model string
	messages        string         // JSON, "" for not checked
	params          map[string]any // those that are checked
	result          string         // JSON of what the result has at least
	metadata        map[string]any
	stream          bool
}

const (
	jsonKind   = "application/json"
	eventsKind = "text/event-stream; charset=utf-8"
	linesKind  = "application/x-ndjson"
)

const tools = `[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]`

var shapes = map[string]shape{
	"openai chat": {
		path:     "/v1/chat/completions",
		request:  `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}],"model":"gpt-4o","temperature":0.5,"tool_choice":"auto","tools":` + tools + `}`,
		kind:     jsonKind,
		pieces:   []string{`{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":1}}}`},
		provider: "openai", model: "gpt-4o",
		messages: `[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]`,
		params:   map[string]any{"temperature": "0.5", "tool_choice": "auto", "tools": tools},
		result:   `{"model":"gpt-4o-2024","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":1}}}`,
	},
	"openai chat, streamed": {
		path:    "/v1/chat/completions",
		request: `{"messages":[{"role":"user","content":"Hi"}],"model":"gpt-4o","stream":true}`,
		kind:    eventsKind,
		pieces: sse(
			`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`,
			`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"reasoning_content":"hm"},"finish_reason":null}]}`,
			`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}`,
			`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}`,
			`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
			`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`,
			`[DONE]`),
		provider: "openai", model: "gpt-4o", stream: true,
		result: `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"hm"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`,
	},
	"openai chat, streamed, calls of tools": {
		path:    "/openai/deployments/my-gpt/chat/completions",
		request: `{"messages":[{"role":"user","content":"Weather?"}],"stream":true,"tools":` + tools + `}`,
		kind:    eventsKind,
		pieces: sse(
			`{"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"weather","arguments":""}}]}}]}`,
			`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]}}]}`,
			`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Oslo\"}"}},{"index":1,"id":"call_b","type":"function","function":{"name":"time","arguments":"{}"}}]}}]}`,
			`{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`,
			`[DONE]`),
		provider: "openai", model: "my-gpt", stream: true,
		params: map[string]any{"tools": tools, "stream": "true"},
		result: `{"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_a","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}},{"id":"call_b","type":"function","function":{"name":"time","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`,
	},
	"openai responses": {
		path:     "/v1/responses",
		request:  `{"model":"o4","instructions":"Be brief.","input":[{"role":"user","content":"Hi"},{"type":"function_call_output","call_id":"c","output":"3"}],"reasoning":{"effort":"low"}}`,
		kind:     jsonKind,
		pieces:   []string{`{"id":"resp_1","object":"response","status":"completed","model":"o4","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}],"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12,"input_tokens_details":{"cached_tokens":2},"output_tokens_details":{"reasoning_tokens":4}}}`},
		provider: "openai", model: "o4",
		messages: `[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"type":"function_call_output","call_id":"c","output":"3"}]`,
		params:   map[string]any{"reasoning": `{"effort":"low"}`},
		result:   `{"id":"resp_1","object":"response","status":"completed","usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12,"input_tokens_details":{"cached_tokens":2},"output_tokens_details":{"reasoning_tokens":4}}}`,
	},
	"openai responses, streamed": {
		path:    "/v1/responses",
		request: `{"model":"o4","input":"Hi","stream":true}`,
		kind:    eventsKind,
		pieces: sse(
			`{"type":"response.created","response":{"id":"resp_1","object":"response","status":"in_progress","model":"o4","output":[]}}`,
			`{"type":"response.output_item.added","output_index":0,"item":{"type":"message","role":"assistant","content":[]}}`,
			`{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hel"}`,
			`{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"lo"}`,
			`{"type":"response.completed","response":{"id":"resp_1","object":"response","status":"completed","model":"o4","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}],"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}}`),
		provider: "openai", model: "o4", stream: true,
		messages: `[{"role":"user","content":"Hi"}]`,
		result:   `{"id":"resp_1","object":"response","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}],"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}`,
	},
	"openai completions": {
		path:     "/v1/completions",
		request:  `{"model":"babbage","prompt":["Once","Twice"],"max_tokens":5}`,
		kind:     jsonKind,
		pieces:   []string{`{"id":"p","object":"text_completion","created":1,"model":"babbage","choices":[{"index":0,"text":" upon","finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`},
		provider: "openai", model: "babbage",
		messages: `[{"role":"user","content":"Once"},{"role":"user","content":"Twice"}]`,
		params:   map[string]any{"max_tokens": "5"},
		result:   `{"object":"text_completion","choices":[{"index":0,"text":" upon","finish_reason":"length"}]}`,
	},
	"openai completions, streamed": {
		path:    "/v1/completions",
		request: `{"model":"babbage","prompt":"Once","stream":true}`,
		kind:    eventsKind,
		pieces: sse(`{"id":"p","object":"text_completion","created":1,"model":"babbage","choices":[{"index":0,"text":" up"}]}`,
			`{"id":"p","choices":[{"index":0,"text":"on","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`, `[DONE]`),
		provider: "openai", model: "babbage", stream: true,
		result: `{"object":"text_completion","choices":[{"index":0,"text":" upon","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`,
	},
	"openai embeddings": {
		path:     "/v1/embeddings",
		request:  `{"model":"text-embedding-3-small","input":["a","b"],"dimensions":3}`,
		kind:     jsonKind,
		pieces:   []string{`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2,0.3]},{"object":"embedding","index":1,"embedding":[0.1,0.2,0.3]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":2,"total_tokens":2}}`},
		provider: "openai", model: "text-embedding-3-small",
		messages: `[{"role":"user","content":"a"},{"role":"user","content":"b"}]`,
		result:   `{"object":"chat.completion","model":"text-embedding-3-small","choices":[],"usage":{"prompt_tokens":2,"total_tokens":2}}`,
		metadata: map[string]any{"vectors": "2", "dimensions": "3"},
	},
	"openai embeddings in base64": {
		path:     "/v1/embeddings",
		request:  `{"model":"text-embedding-3-small","input":[1,2,3],"encoding_format":"base64"}`,
		kind:     jsonKind,
		pieces:   []string{`{"object":"list","data":[{"embedding":"AAAAAAAAAAAAAAAA"}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}`},
		provider: "openai", model: "text-embedding-3-small",
		messages: `[]`,
		result:   `{"choices":[],"usage":{"prompt_tokens":3,"total_tokens":3}}`,
		metadata: map[string]any{"vectors": "1", "dimensions": "3"},
	},
	"anthropic": {
		path:     "/v1/messages",
		request:  `{"model":"claude-opus-4-5","max_tokens":10,"system":[{"type":"text","text":"Be brief."}],"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}`,
		kind:     jsonKind,
		pieces:   []string{`{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{"type":"text","text":"Hello"},{"type":"tool_use","id":"tu","name":"weather","input":{"city":"Oslo"}}],"stop_reason":"tool_use","usage":{"input_tokens":5,"cache_read_input_tokens":3,"output_tokens":7}}`},
		provider: "anthropic", model: "claude-opus-4-5",
		messages: `[{"role":"system","content":[{"type":"text","text":"Be brief."}]},{"role":"user","content":[{"type":"text","text":"Hi"}]}]`,
		params:   map[string]any{"max_tokens": "10"},
		result:   `{"id":"msg_1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","tool_calls":[{"id":"tu","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":8,"completion_tokens":7,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":3}}}`,
	},
	"anthropic, streamed": {
		path:    "/anthropic/v1/messages",
		request: `{"model":"claude-opus-4-5","max_tokens":10,"stream":true,"messages":[{"role":"user","content":"Hi"}]}`,
		kind:    eventsKind,
		pieces: sse(
			`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":5,"cache_read_input_tokens":3,"output_tokens":1}}}`,
			`{"type":"ping"}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"abc"}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hel"}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"lo"}}`,
			`{"type":"content_block_stop","index":1}`,
			`{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"tu","name":"weather","input":{}}}`,
			`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}`,
			`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\"Oslo\"}"}}`,
			`{"type":"content_block_stop","index":2}`,
			`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":7}}`,
			`{"type":"message_stop"}`),
		provider: "anthropic", model: "claude-opus-4-5", stream: true,
		result: `{"id":"msg_1","object":"chat.completion","model":"claude-opus-4-5","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"hm","tool_calls":[{"id":"tu","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":8,"completion_tokens":7,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":3}}}`,
	},
	"gemini": {
		path:     "/v1beta/models/gemini-2.5-flash:generateContent",
		request:  `{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"weather","args":{}}}]}],"generationConfig":{"temperature":0.2,"stopSequences":["x"]},"tools":[{"functionDeclarations":[]}]}`,
		kind:     jsonKind,
		pieces:   []string{`{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"thoughtsTokenCount":3,"totalTokenCount":10,"cachedContentTokenCount":1},"modelVersion":"gemini-2.5-flash","responseId":"r1"}`},
		provider: "google", model: "gemini-2.5-flash",
		messages: `[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":[{"functionCall":{"name":"weather","args":{}}}]}]`,
		params:   map[string]any{"temperature": "0.2", "stopSequences": `["x"]`, "tools": `[{"functionDeclarations":[]}]`},
		result:   `{"id":"r1","object":"chat.completion","model":"gemini-2.5-flash","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":3}}}`,
	},
	"gemini, streamed as events": {
		path:    "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=SECRET",
		request: `{"contents":[{"parts":[{"text":"Hi"}]}]}`,
		kind:    eventsKind,
		pieces: sse(
			`{"candidates":[{"content":{"role":"model","parts":[{"text":"hm","thought":true}]}}],"modelVersion":"gemini-2.5-flash","responseId":"r1"}`,
			`{"candidates":[{"content":{"role":"model","parts":[{"text":"Hel"}]}}]}`,
			`{"candidates":[{"content":{"role":"model","parts":[{"text":"lo"},{"functionCall":{"name":"weather","args":{"city":"Oslo"}}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":7}}`),
		provider: "google", model: "gemini-2.5-flash", stream: true,
		messages: `[{"role":"user","content":"Hi"}]`,
		result:   `{"id":"r1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"hm","tool_calls":[{"id":"call_0","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`,
	},
	"gemini, streamed as an array": {
		path:    "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
		request: `{"contents":[{"parts":[{"text":"Hi"}]}]}`,
		kind:    "application/json; charset=UTF-8",
		pieces: []string{"[{\n", `"candidates":[{"content":{"role":"model","parts":[{"text":"He"}]}}]}` + "\n,\r\n", `{"candidates":[{"content":{"role":"model","parts":[{"text":"l`,
			`lo"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":7},"responseId":"r1","modelVersion":"gemini-2.5-flash"}` + "\n]"},
		provider: "google", model: "gemini-2.5-flash", stream: true,
		result: `{"id":"r1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`,
	},
	"ollama chat": {
		path:     "/api/chat",
		request:  `{"model":"llama3","stream":false,"messages":[{"role":"user","content":"Hi"}],"options":{"temperature":0.1}}`,
		kind:     jsonKind,
		pieces:   []string{`{"model":"llama3","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"Hello","tool_calls":[{"function":{"name":"weather","arguments":{"city":"Oslo"}}}]},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":2}`},
		provider: "ollama", model: "llama3",
		messages: `[{"role":"user","content":"Hi"}]`,
		params:   map[string]any{"temperature": "0.1"},
		result:   `{"object":"chat.completion","model":"llama3","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","tool_calls":[{"id":"call_0","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`,
	},
	"ollama chat, streamed": {
		path:    "/api/chat",
		request: `{"model":"llama3","messages":[{"role":"user","content":"Hi"}]}`,
		kind:    linesKind,
		pieces: []string{`{"model":"llama3","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}` + "\n", `{"model":"llama3","message":{"role":"assistant","content":"Hel`,
			`lo"},"done":false}` + "\n", `{"model":"llama3","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":2}` + "\n"},
		provider: "ollama", model: "llama3", stream: true,
		result: `{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"hm"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`,
	},
	"ollama generate, streamed": {
		path:    "/api/generate",
		request: `{"model":"llama3","prompt":"Hi","system":"Be brief.","images":["aGk="]}`,
		kind:    linesKind,
		pieces: []string{`{"model":"llama3","response":"Hel","done":false}` + "\n", `{"model":"llama3","response":"lo","done":false}` + "\n",
			`{"model":"llama3","response":"","done":true,"done_reason":"length","context":[1,2],"prompt_eval_count":5,"eval_count":2}` + "\n"},
		provider: "ollama", model: "llama3", stream: true,
		messages: `[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"images":["aGk="],"role":"user"}]`,
		result:   `{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"length"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`,
	},
}

func TestEachShapeIsOneGeneration(t *testing.T) {
	for name, s := range shapes {
		t.Run(name, func(t *testing.T) {
			handler := answers(s.kind, strings.Join(s.pieces, ""))
			if s.stream {
				handler = streams(s.kind, s.pieces...)
			}
			r := newRig(t, llm.Options{}, handler)
			if got := r.ask(s.path, s.request); got != strings.Join(s.pieces, "") {
				t.Errorf("the caller got %q", got)
			}
			s.check(t, r.one())
		})
	}
}

// check compares what was logged of a call.
func (s *shape) check(t *testing.T, g *generation) {
	t.Helper()
	if g.begun["provider"] != s.provider || g.begun["model"] != s.model {
		t.Errorf("provider %v, model %v, want %s, %s", g.begun["provider"], g.begun["model"], s.provider, s.model)
	}
	if s.messages != "" {
		if diff := cmp.Diff(decoded(t, s.messages), g.begun["messages"]); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	}
	for name, want := range s.params {
		if got := at(g.begun, "modelParameters", name); got != want {
			t.Errorf("parameter %s is %v, want %v", name, got, want)
		}
	}
	for name, want := range decoded(t, s.result).(map[string]any) {
		if diff := cmp.Diff(want, g.at(name)); diff != "" {
			t.Errorf("%s of the result (-want +got):\n%s", name, diff)
		}
	}
	want := map[string]any{"http.status": "200", "request_id": "req_1"}
	merge(want, s.metadata)
	if diff := cmp.Diff(want, g.metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if _, told := g.metrics["time_to_first_token_ms"]; told != s.stream {
		t.Errorf("metrics %v of a call that is a stream: %t", g.metrics, s.stream)
	}
	if all := fmt.Sprint(*g); strings.Contains(all, "SECRET") {
		t.Errorf("the address is logged: %s", all)
	}
}
