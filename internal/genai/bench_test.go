package genai_test

import (
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/genai"
)

func BenchmarkNormalize(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 90) // about 1,000 tokens
	for name, raw := range map[string]string{
		"chat": `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` + text +
			`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1000,"total_tokens":1009,"prompt_tokens_details":{"cached_tokens":0}}}`,
		"anthropic": `{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"` + text +
			`"}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":1000}}`,
		"gemini": `{"candidates":[{"content":{"parts":[{"text":"` + text +
			`"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1000},"responseId":"r"}`,
		"bedrock": `{"output":{"message":{"content":[{"text":"` + text + `"}]}},"stopReason":"end_turn","usage":{"inputTokens":9,"outputTokens":1000}}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			answer := []byte(raw)
			for b.Loop() {
				genai.Normalize(answer)
			}
		})
	}
}
