package genai_test

import (
	"testing"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/pricing"
)

func TestBedrock(t *testing.T) {
	checkMade(t, genai.BedrockConverse, map[string]made{
		"REST": {
			raw: `{"metrics":{"latencyMs":1175},"output":{"message":{"content":[{"reasoningContent":{"reasoningText":{"text":"Look it up.","signature":"Ev"}}},
				{"reasoningContent":{"redactedContent":"AAAA"}},{"text":"One "},{"text":"moment."},
				{"toolUse":{"input":{"city":"Oslo"},"name":"weather","toolUseId":"tooluse_1"}}],"role":"assistant"}},"stopReason":"tool_use",
				"usage":{"inputTokens":125,"outputTokens":60,"totalTokens":185,"cacheReadInputTokens":1000,"cacheWriteInputTokens":10}}`,
			want: `{"id":"<id>","object":"chat.completion","created":946684800,"choices":[{"index":0,"message":{"role":"assistant","content":"One moment.",
				"reasoning_content":"Look it up.","tool_calls":[{"id":"tooluse_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},
				"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1135,"completion_tokens":60,"total_tokens":1195,
				"prompt_tokens_details":{"cached_tokens":1000},"cache_creation_input_tokens":10}}`,
			usage: pricing.Usage{Input: 1135, Output: 60, Total: 1195, CacheRead: 1000, CacheWrite: 10},
		},
		"the Go SDK's struct": {
			raw: `{"Metrics":{"LatencyMs":1175},"Output":{"Value":{"Content":[{"Value":{"Value":{"Text":"Look it up.","Signature":"Ev"}}},{"Value":{"Value":"AAAA"}},
				{"Value":"One "},{"Value":"moment."},{"Value":{"Input":{"city":"Oslo"},"Name":"weather","ToolUseId":"tooluse_1","Type":""}}],"Role":"assistant"}},
				"StopReason":"tool_use","Usage":{"InputTokens":125,"OutputTokens":60,"TotalTokens":185,"CacheReadInputTokens":null,"CacheWriteInputTokens":null},
				"AdditionalModelResponseFields":null,"PerformanceConfig":null,"Trace":null,"ResultMetadata":{}}`,
			want: `{"id":"<id>","object":"chat.completion","created":946684800,"choices":[{"index":0,"message":{"role":"assistant","content":"One moment.",
				"reasoning_content":"Look it up.","tool_calls":[{"id":"tooluse_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},
				"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":125,"completion_tokens":60,"total_tokens":185}}`,
			usage: pricing.Usage{Input: 125, Output: 60, Total: 185},
		},
		"the Go SDK's other blocks stay": {
			raw: `{"Output":{"Value":{"Content":[{"Value":"see"},{"Value":{"Format":"png","Source":{"Value":"iVBORw0="}}},
				{"Value":{"ToolUseId":"t","Content":[],"Status":"success"}},{"Value":{"Value":{"Other":1}}},{"Value":[1]}],"Role":"assistant"}},"StopReason":"end_turn"}`,
			want: `{"id":"<id>","object":"chat.completion","created":946684800,"choices":[{"index":0,"message":{"role":"assistant","content":[{"type":"text","text":"see"},
				{"Value":{"Format":"png","Source":{"Value":"iVBORw0="}}},{"Value":{"ToolUseId":"t","Content":[],"Status":"success"}},{"Value":{"Value":{"Other":1}}},{"Value":[1]}]},
				"finish_reason":"stop"}]}`,
		},
		"guardrail": {
			raw: `{"output":{"message":{"role":"assistant","content":[{"text":"Sorry, I cannot answer that."}]}},"stopReason":"guardrail_intervened",
				"usage":{"inputTokens":0,"outputTokens":0,"totalTokens":0},"trace":{"guardrail":{}}}`,
			want: `{"id":"<id>","object":"chat.completion","created":946684800,"choices":[{"index":0,"message":{"role":"assistant","content":"Sorry, I cannot answer that."},
				"finish_reason":"content_filter"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}`,
		},
		"citations stay, an unknown reason too": {
			raw: `{"output":{"message":{"role":"assistant","content":[{"citationsContent":{"content":[{"text":"x"}],"citations":[]}}]}},"stopReason":"malformed_tool_use"}`,
			want: `{"id":"<id>","object":"chat.completion","created":946684800,"choices":[{"index":0,"message":{"role":"assistant","content":[
				{"citationsContent":{"content":[{"text":"x"}],"citations":[]}}]},"finish_reason":"malformed_tool_use"}]}`,
		},
	})
}
