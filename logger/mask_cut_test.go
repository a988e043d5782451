package logger

import (
	"regexp"
	"strings"
	"testing"
)

// A cut tears no secret apart: the mask sees a text whole before.
func TestSecretsAreMaskedBeforeATextIsCut(t *testing.T) {
	body := strings.Repeat("TUlJRXZRSUJBREFOQmdrcWhraUc5dzBCQVFFRkFBU0NCS2N3Z2dTakFnRUFBb0lCQVFD\n", 600)
	pem := "-----BEGIN PRIVATE KEY-----\n" + body + "-----END PRIVATE KEY-----\n"
	long := strings.Repeat("lorem ipsum ", 800_000)
	key := regexp.MustCompile(`(?s)-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----`)
	for name, text := range map[string]string{"at the end": long + pem, "at the beginning": strings.Repeat("x ", 100) + pem + long} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{Mask: func(s string) string { return key.ReplaceAllString(s, "[secret]") }}, nil)
			trace := r.Trace(TraceConfig{ID: "t", Input: text})
			trace.AddMetadata(map[string]any{"m": text})
			trace.SetOutput(text)
			gen := trace.AddGeneration(GenerationConfig{Messages: []Message{{Role: "user", Content: text}, MessageOf(map[string]any{"role": "user", "content": text})}})
			gen.Result(map[string]any{"choices": []any{map[string]any{"message": map[string]any{"content": text}}}})
			trace.End()
			lines := strings.Join(r.flushed(), "\n")
			if strings.Contains(lines, "TUlJRXZRSUJBREFO") {
				t.Error("a part of the key is logged")
			}
			if n := strings.Count(lines, "[secret]"); n < 5 {
				t.Errorf("%d texts are masked, want 6", n)
			}
			r.close()
		})
	}
}
