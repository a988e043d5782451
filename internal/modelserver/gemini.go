package modelserver

import "encoding/json"

// gemini is the API of Gemini (https://ai.google.dev/api/generate-content), streamed as
// events.
type gemini struct{}

func (gemini) chunk(a answer, parts []any, why string) object {
	candidate := object{"index": 0, "content": object{"role": "model", "parts": parts}}
	c := object{"candidates": []any{candidate}, "modelVersion": a.model, "responseId": "resp_1"}
	if why != "" {
		candidate["finishReason"] = why
		c["usageMetadata"] = object{
			"promptTokenCount": Input, "cachedContentTokenCount": Cached,
			"candidatesTokenCount": Output - Reasoning, "thoughtsTokenCount": Reasoning, "totalTokenCount": Input + Output,
		}
	}
	return c
}

func (gemini) call() []any {
	return []any{object{"functionCall": object{"name": ToolName, "args": json.RawMessage(ToolArgs)}}}
}

func (g gemini) whole(a answer) any {
	if a.said == nil {
		return g.chunk(a, g.call(), "STOP")
	}
	return g.chunk(a, []any{object{"text": a.text()}}, "STOP")
}

func (g gemini) pieces(a answer) []event {
	if a.said == nil {
		return []event{{data: g.chunk(a, g.call(), "STOP")}}
	}
	var events []event
	for i, piece := range a.said {
		why := ""
		if i == len(a.said)-1 {
			why = "STOP"
		}
		events = append(events, event{data: g.chunk(a, []any{object{"text": piece}}, why)})
	}
	return events
}

func (gemini) refusal(status int, message string) any {
	name := "INTERNAL"
	if status == 429 {
		name = "RESOURCE_EXHAUSTED"
	}
	return object{"error": object{"code": status, "message": message, "status": name}}
}
