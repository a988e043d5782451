package modelserver

// object is an object of JSON.
type object = map[string]any

// toolCall is a call of the tool as OpenAI writes it.
func toolCall(index bool) object {
	call := object{"id": "call_1", "type": "function", "function": object{"name": ToolName, "arguments": ToolArgs}}
	if index {
		call["index"] = 0
	}
	return call
}

// chat is OpenAI's chat completions API
// (https://platform.openai.com/docs/api-reference/chat).
type chat struct{}

func chatUsage() object {
	return object{
		"prompt_tokens": Input, "completion_tokens": Output, "total_tokens": Input + Output,
		"prompt_tokens_details":     object{"cached_tokens": Cached},
		"completion_tokens_details": object{"reasoning_tokens": Reasoning},
	}
}

func (chat) whole(a answer) any {
	message, why := object{"role": "assistant", "content": a.text()}, "stop"
	if a.said == nil {
		message, why = object{"role": "assistant", "content": nil, "tool_calls": []any{toolCall(false)}}, "tool_calls"
	}
	return object{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": a.model, "usage": chatUsage(),
		"choices": []any{object{"index": 0, "message": message, "finish_reason": why}},
	}
}

func (chat) pieces(a answer) []event {
	chunk := func(choices ...any) event {
		if choices == nil {
			choices = []any{}
		}
		return event{data: object{"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": a.model, "choices": choices}}
	}
	delta := func(d object, why any) event { return chunk(object{"index": 0, "delta": d, "finish_reason": why}) }
	events, why := []event{delta(object{"role": "assistant", "content": ""}, nil)}, "stop"
	for _, piece := range a.said {
		events = append(events, delta(object{"content": piece}, nil))
	}
	if a.said == nil {
		why = "tool_calls"
		events = append(events, delta(object{"tool_calls": []any{toolCall(true)}}, nil))
	}
	events = append(events, delta(object{}, why))
	if a.usage {
		last := chunk()
		last.data.(object)["usage"] = chatUsage()
		events = append(events, last)
	}
	return append(events, event{data: "[DONE]"})
}

func (chat) refusal(_ int, message string) any {
	return object{"error": object{"message": message, "type": "stand_in", "param": nil, "code": nil}}
}

// responses is OpenAI's Responses API
// (https://platform.openai.com/docs/api-reference/responses).
type responses struct{}

func (responses) whole(a answer) any {
	item := object{
		"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
		"content": []any{object{"type": "output_text", "text": a.text(), "annotations": []any{}}},
	}
	if a.said == nil {
		item = object{"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": ToolName, "arguments": ToolArgs}
	}
	return object{
		"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": a.model, "output": []any{item},
		"usage": object{
			"input_tokens": Input, "output_tokens": Output, "total_tokens": Input + Output,
			"input_tokens_details": object{"cached_tokens": Cached}, "output_tokens_details": object{"reasoning_tokens": Reasoning},
		},
	}
}

func (r responses) pieces(a answer) []event {
	number := 0
	typed := func(name string, members object) event {
		members["type"], members["sequence_number"] = name, number
		number++
		return event{name, members}
	}
	whole := r.whole(a).(object)
	begun := object{"id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": a.model, "output": []any{}}
	events := []event{typed("response.created", object{"response": begun})}
	if a.said == nil {
		events = append(events, typed("response.function_call_arguments.done", object{"output_index": 0, "item_id": "fc_1", "name": ToolName, "arguments": ToolArgs}))
	}
	for _, piece := range a.said {
		events = append(events, typed("response.output_text.delta", object{"output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": piece, "logprobs": []any{}}))
	}
	return append(events, typed("response.completed", object{"response": whole}))
}

func (responses) refusal(status int, message string) any { return chat{}.refusal(status, message) }
