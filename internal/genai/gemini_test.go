package genai_test

import (
	"testing"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/pricing"
)

func TestGemini(t *testing.T) {
	checkMade(t, genai.GeminiContent, map[string]made{
		"thoughts and text": {
			raw: `{"candidates":[{"content":{"parts":[{"text":"Count the letters. ","thought":true},{"text":"There are "},{"text":"3.","thoughtSignature":"Cqg"},
				{"thoughtSignature":"CsQ"}],"role":"model"},"finishReason":"STOP","index":0,"safetyRatings":[{"category":"HARM_CATEGORY_HARASSMENT","probability":"NEGLIGIBLE"}]}],
				"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":20,"totalTokenCount":470,"cachedContentTokenCount":64,"thoughtsTokenCount":300,
				"toolUsePromptTokenCount":50,"promptTokensDetails":[{"modality":"TEXT","tokenCount":100}]},
				"modelVersion":"gemini-3-pro","responseId":"abc","createTime":"2026-03-04T05:06:07.890Z"}`,
			want: `{"id":"abc","object":"chat.completion","created":1772600767,"model":"gemini-3-pro","choices":[{"index":0,
				"message":{"role":"assistant","content":"There are 3.","reasoning_content":"Count the letters. "},"finish_reason":"stop"}],
				"usage":{"prompt_tokens":150,"completion_tokens":320,"total_tokens":470,
				"prompt_tokens_details":{"cached_tokens":64},"completion_tokens_details":{"reasoning_tokens":300}}}`,
			usage: pricing.Usage{Input: 150, Output: 320, Total: 470, CacheRead: 64, Reasoning: 300},
		},
		"calls": {
			raw: `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{"x":1.0,"y":"<"}}},{"functionCall":{"id":"c9","name":"g"}}]},
				"finishReason":"STOP"}],"modelVersion":"gemini-2.5-flash","responseId":"r"}`,
			want: `{"id":"r","object":"chat.completion","created":946684800,"model":"gemini-2.5-flash","choices":[{"index":0,"message":{"role":"assistant","content":null,
				"tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{\"x\":1.0,\"y\":\"<\"}"}},
				{"id":"c9","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`,
		},
		"as the Go SDK's struct, two candidates, one blocked": {
			raw: `{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"finishReason":"MAX_TOKENS"},
				{"content":null,"finishReason":"SAFETY","finishMessage":"blocked by safety settings","index":1},
				{"content":{"parts":[]},"finishReason":"MALFORMED_FUNCTION_CALL"}],
				"createTime":"0001-01-01T00:00:00Z","usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4},"sdkHttpResponse":{"headers":{}}}`,
			want: `{"id":"<id>","object":"chat.completion","created":946684800,"choices":[
				{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"length"},
				{"index":1,"message":{"role":"assistant","content":null,"refusal":"blocked by safety settings"},"finish_reason":"content_filter"},
				{"index":2,"message":{"role":"assistant","content":null},"finish_reason":"MALFORMED_FUNCTION_CALL"}],
				"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`,
			usage: pricing.Usage{Input: 3, Output: 1, Total: 4},
		},
		"blocked prompt": {
			raw: `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT","safetyRatings":[]},"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7},"modelVersion":"g","responseId":"r"}`,
			want: `{"id":"r","object":"chat.completion","created":946684800,"model":"g","choices":[{"index":0,"message":{"role":"assistant","content":null,
				"refusal":"the prompt was blocked: PROHIBITED_CONTENT"},"finish_reason":"content_filter"}],
				"usage":{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}}`,
			usage: pricing.Usage{Input: 7, Total: 7},
		},
		"blocked prompt with a message": {
			raw: `{"candidates":[],"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"not allowed"},"responseId":"r"}`,
			want: `{"id":"r","object":"chat.completion","created":946684800,"choices":[{"index":0,"message":{"role":"assistant","content":null,
				"refusal":"not allowed"},"finish_reason":"content_filter"}]}`,
		},
		"nothing but a usage": {
			raw:   `{"usageMetadata":{"promptTokenCount":7},"modelVersion":"g","responseId":"r"}`,
			want:  `{"id":"r","object":"chat.completion","created":946684800,"model":"g","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}}`,
			usage: pricing.Usage{Input: 7, Total: 7},
		},
		"picture, code and an unknown part": {
			raw: `{"candidates":[{"content":{"parts":[{"text":"Here:"},{"inlineData":{"mimeType":"image/png","data":"iVBORw0="}},
				{"executableCode":{"language":"PYTHON","code":"print(1)"}},{"inlineData":{"mimeType":"audio/wav","data":"UklGRg=="}}]},"finishReason":"STOP"}],"responseId":"r"}`,
			want: `{"id":"r","object":"chat.completion","created":946684800,"choices":[{"index":0,"message":{"role":"assistant","content":[
				{"type":"text","text":"Here:"},{"type":"image_url","image_url":"data:image/png;base64,iVBORw0="},
				{"executableCode":{"language":"PYTHON","code":"print(1)"}},{"inlineData":{"mimeType":"audio/wav","data":"UklGRg=="}}]},"finish_reason":"stop"}]}`,
		},
	})
}
