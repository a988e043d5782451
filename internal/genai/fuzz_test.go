package genai_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/genai"
)

// FuzzNormalize checks that no input makes Normalize panic, that what it does not
// convert it returns as given, and that what it converts is a chat completion in
// one line with the same usage.
func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{"object":"chat.completion","choices":[{"index":0}],"usage":{"prompt_tokens":1.0,"completion_tokens":2}}`,
		`{"object":"response","status":"failed","usage":{"input_tokens":1,"output_tokens_details":{"reasoning_tokens":1}}}`,
		`{"error":{"message":"m","code":500}}`,
		`{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","input":{"a":1}},{"type":"x"}],"stop_reason":"tool_use","usage":{"input_tokens":1,"cache_read_input_tokens":3}}`,
		`{"candidates":[{"content":{"parts":[{"text":"a","thought":true},{"functionCall":{"name":"f"}},{"inlineData":{"mimeType":"image/png","data":"AA"}},{"thoughtSignature":"s"}]},"finishReason":"STOP"}],"createTime":"2026-03-04T05:06:07Z","usageMetadata":{"thoughtsTokenCount":2}}`,
		`{"promptFeedback":{"blockReason":"SAFETY"}}`,
		`{"output":{"message":{"content":[{"text":"a"},{"toolUse":{"toolUseId":"t","input":[]}},{"reasoningContent":{"reasoningText":{"text":"r"}}}]}},"stopReason":"end_turn","usage":{"inputTokens":1}}`,
		`{"Output":{"Value":{"Content":[{"Value":"a"},{"Value":{"ToolUseId":"t","Input":{}}},{"Value":{"Value":{"Text":"r"}}}]}},"StopReason":"x"}`,
		"{\"type\":\"message\",\"role\":\"assistant\",\"model\":\"\xff\",\"content\":[{\"type\":\"\\ud800\"}]}",
	} {
		f.Add([]byte(seed))
	}
	for _, form := range []string{
		`{"type":"message","role":"assistant","model":"c","content":[{"type":"text","text":TEXT}],"stop_reason":TEXT,"usage":{"input_tokens":NUMBER}}`,
		`{"candidates":[{"content":{"parts":[{"text":TEXT}]},"index":NUMBER,"finishReason":TEXT}],"usageMetadata":{"promptTokenCount":NUMBER}}`,
		`{"output":{"message":{"content":[{"text":TEXT}]}},"stopReason":TEXT,"usage":{"inputTokens":NUMBER}}`,
		`{"object":"chat.completion","choices":[{"index":NUMBER,"message":{"content":TEXT}}],"usage":{"prompt_tokens":NUMBER}}`,
	} {
		for _, text := range []string{`"a\n\u2028"`, `"\ud800"`, `null`, `{"x":[]}`} {
			for _, number := range []string{"7", "-1", "1e400", `"7"`} {
				f.Add([]byte(strings.NewReplacer("TEXT", text, "NUMBER", number).Replace(form)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		given := bytes.Clone(raw)
		got := genai.Normalize(raw)
		if !bytes.Equal(raw, given) {
			t.Fatal("the input was changed")
		}
		switch got.Form {
		case genai.AnthropicMessage, genai.GeminiContent, genai.BedrockConverse:
		default:
			if !bytes.Equal(got.JSON, given) {
				t.Fatalf("%v went out as %q", got.Form, got.JSON)
			}
			return
		}
		if !json.Valid(got.JSON) || bytes.ContainsAny(got.JSON, "\r\n") {
			t.Fatalf("not JSON in one line: %q", got.JSON)
		}
		again := genai.Normalize(got.JSON)
		if again.Form != genai.ChatCompletion || again.Failed || !bytes.Equal(again.JSON, got.JSON) {
			t.Fatalf("%q is %v", got.JSON, again.Form)
		}
		if diff := cmp.Diff(got.Usage, again.Usage); diff != "" {
			t.Fatalf("usage, -given +sent:\n%s", diff)
		}
	})
}
