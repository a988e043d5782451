package genai_test

import (
	"testing"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/pricing"
)

func TestAnthropic(t *testing.T) {
	checkMade(t, genai.AnthropicMessage, map[string]made{
		"text": {
			raw: `{"id":"msg_01X","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{"type":"text","text":"a < b & \"c\""}],
				"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":6,"service_tier":"standard"}}`,
			want: `{"id":"msg_01X","object":"chat.completion","created":946684800,"model":"claude-opus-4-5","choices":[{"index":0,
				"message":{"role":"assistant","content":"a < b & \"c\""},"finish_reason":"stop"}],
				"usage":{"prompt_tokens":12,"completion_tokens":6,"total_tokens":18}}`,
			usage: pricing.Usage{Input: 12, Output: 6, Total: 18},
		},
		"thinking, text, two calls and a cache": {
			raw: `{"id":"msg_02","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
				{"type":"thinking","thinking":"I need the weather.","signature":"EqQB"},
				{"type":"redacted_thinking","data":"EmwK"},
				{"type":"text","text":"Let me "},{"type":"text","text":"look."},
				{"type":"tool_use","id":"toolu_1","name":"weather","input":{ "city": "Zürich", "precision": 1.50 }},
				{"type":"tool_use","id":"toolu_2","name":"time","input":{}}],
				"stop_reason":"tool_use","stop_sequence":null,
				"usage":{"input_tokens":21,"cache_creation_input_tokens":188,"cache_read_input_tokens":2048,"output_tokens":393}}`,
			want: `{"id":"msg_02","object":"chat.completion","created":946684800,"model":"claude-sonnet-4-5","choices":[{"index":0,
				"message":{"role":"assistant","content":"Let me look.","reasoning_content":"I need the weather.","tool_calls":[
				{"id":"toolu_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Zürich\",\"precision\":1.50}"}},
				{"id":"toolu_2","type":"function","function":{"name":"time","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
				"usage":{"prompt_tokens":2257,"completion_tokens":393,"total_tokens":2650,
				"prompt_tokens_details":{"cached_tokens":2048},"cache_creation_input_tokens":188}}`,
			usage: pricing.Usage{Input: 2257, Output: 393, Total: 2650, CacheRead: 2048, CacheWrite: 188},
		},
		"a tool that the provider ran stays": {
			raw: `{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"Searching."},
				{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},
				{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"https://example.com"}]}],
				"stop_reason":"pause_turn","usage":{"input_tokens":1,"output_tokens":1}}`,
			want: `{"id":"m","object":"chat.completion","created":946684800,"model":"c","choices":[{"index":0,"message":{"role":"assistant","content":[
				{"type":"text","text":"Searching."},
				{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},
				{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"https://example.com"}]}]},
				"finish_reason":"pause_turn"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`,
			usage: pricing.Usage{Input: 1, Output: 1, Total: 2},
		},
		"refusal without content": {
			raw: `{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":"refusal","usage":{"input_tokens":9,"output_tokens":0}}`,
			want: `{"id":"m","object":"chat.completion","created":946684800,"model":"c","choices":[{"index":0,"message":{"role":"assistant","content":null},
				"finish_reason":"content_filter"}],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}`,
			usage: pricing.Usage{Input: 9, Total: 9},
		},
		"as the Go SDK's struct, without a usage": {
			raw: `{"id":"m","content":[{"citations":null,"text":"hi","type":"text","thinking":"","signature":"","data":"","id":"","input":null,"name":"","content":{},"tool_use_id":""}],
				"model":"c","role":"assistant","stop_reason":"max_tokens","stop_sequence":"","type":"message"}`,
			want: `{"id":"m","object":"chat.completion","created":946684800,"model":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},
				"finish_reason":"length"}]}`,
		},
		"unfinished, call without arguments": {
			raw: `{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"tool_use","name":"f"}],"stop_reason":null,"usage":{"input_tokens":1}}`,
			want: `{"id":"m","object":"chat.completion","created":946684800,"model":"c","choices":[{"index":0,"message":{"role":"assistant","content":null,
				"tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}],
				"usage":{"prompt_tokens":1,"completion_tokens":0,"total_tokens":1}}`,
			usage: pricing.Usage{Input: 1, Total: 1},
		},
	})
}
