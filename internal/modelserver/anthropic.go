package modelserver

import "encoding/json"

// anthropic is Anthropic's messages API (https://docs.anthropic.com/en/api/messages). It
// counts what was read from a cache beside the input.
type anthropic struct{}

func (anthropic) message(a answer, content []any, why any, output int) object {
	return object{
		"id": "msg_1", "type": "message", "role": "assistant", "model": a.model, "content": content,
		"stop_reason": why, "stop_sequence": nil,
		"usage": object{"input_tokens": Input - Cached, "cache_read_input_tokens": Cached, "cache_creation_input_tokens": 0, "output_tokens": output},
	}
}

func (p anthropic) whole(a answer) any {
	if a.said == nil {
		return p.message(a, []any{object{"type": "tool_use", "id": "call_1", "name": ToolName, "input": json.RawMessage(ToolArgs)}}, "tool_use", Output)
	}
	return p.message(a, []any{object{"type": "text", "text": a.text()}}, "end_turn", Output)
}

func (p anthropic) pieces(a answer) []event {
	typed := func(name string, members object) event {
		members["type"] = name
		return event{name, members}
	}
	delta := func(d object) event { return typed("content_block_delta", object{"index": 0, "delta": d}) }
	block, why := object{"type": "text", "text": ""}, "end_turn"
	if a.said == nil {
		block, why = object{"type": "tool_use", "id": "call_1", "name": ToolName, "input": object{}}, "tool_use"
	}
	events := []event{
		typed("message_start", object{"message": p.message(a, []any{}, nil, 1)}),
		typed("content_block_start", object{"index": 0, "content_block": block}),
		typed("ping", object{}),
	}
	for _, piece := range a.said {
		events = append(events, delta(object{"type": "text_delta", "text": piece}))
	}
	if a.said == nil {
		half := len(ToolArgs) / 2
		events = append(events, delta(object{"type": "input_json_delta", "partial_json": ToolArgs[:half]}),
			delta(object{"type": "input_json_delta", "partial_json": ToolArgs[half:]}))
	}
	return append(events,
		typed("content_block_stop", object{"index": 0}),
		typed("message_delta", object{"delta": object{"stop_reason": why, "stop_sequence": nil}, "usage": object{"output_tokens": Output}}),
		typed("message_stop", object{}))
}

func (anthropic) refusal(status int, message string) any {
	kind := "api_error"
	if status == 429 {
		kind = "rate_limit_error"
	}
	return object{"type": "error", "error": object{"type": kind, "message": message}}
}
