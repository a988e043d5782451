package logger

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOmitContentKeepsWhatHappenedAndNotWhatWasSaid(t *testing.T) {
	const said = "CANARY \\ \"quoted\", {id=1,data={}}"
	r := newRig(t, Config{OmitContent: true}, nil)
	s := r.Session(SessionConfig{})
	s.AddFeedback(Feedback{Score: 1, Comment: said})
	tr := s.AddTrace(TraceConfig{Name: "turn", Input: said, Tags: map[string]string{"env": "prod"}})
	tr.AddAttachment(DataAttachment([]byte(said)))
	tr.SetOutput(map[string]any{"id": said, "role": said})
	tr.Evaluate().WithVariables(map[string]any{"text": said}, "judge")
	g := tr.AddGeneration(GenerationConfig{Model: "gpt-4o", Provider: "openai", ModelParameters: map[string]any{"temperature": 0.5}, Messages: []Message{
		{Role: "user", Content: said},
		{Role: "user", Content: []any{map[string]any{"type": "text", "text": said}, map[string]any{"type": "image_url", "image_url": map[string]any{"url": "data:image/png;base64,aGk="}}}},
	}})
	g.AddMessage(Message{Role: "tool", Content: said})
	g.Result(chatCompletion(said))
	tr.AddGeneration(GenerationConfig{}).Error(Failure{Message: "rate limited", Code: "429"})
	tr.AddGeneration(GenerationConfig{}).Result(said)
	c := tr.AddToolCall(ToolCallConfig{Name: "find", Args: map[string]any{"name": said}})
	c.Update(map[string]any{"args": said})
	c.Result(map[string]any{"id": said})
	q := tr.AddRetrieval(RetrievalConfig{Name: "pages"})
	q.Input(said)
	q.Output([]string{said, said})
	tr.End()
	lines := r.flushed()
	r.close()
	all := strings.Join(lines, "\n")
	if strings.Contains(all, "CANARY") || len(r.sink.uploads) > 0 || strings.Contains(all, "add-attachment") {
		t.Errorf("contents are logged: %s", all)
	}
	for _, l := range lines {
		if parts := strings.SplitN(l, " ", 4); !json.Valid([]byte(parts[3])) {
			t.Errorf("the data is no JSON: %s", l)
		}
	}
	for _, want := range []string{
		`"name":"turn"`, `"env":"prod"`, `"model":"gpt-4o"`, `"temperature"`, `"prompt_tokens":120`, `"finish_reason":"stop"`, `"role":"user"`, `"role":"tool"`,
		`"message":"rate limited"`, `"code":"429"`, `"name":"find"`, `"name":"pages"`, `"score":1`, `"input":"[omitted]"`, `"with":"variables"`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not logged: %s", want, all)
		}
	}
}
