package genai

import (
	"encoding/json"
	"maps"
	"slices"
)

// responsesAssembler assembles a stream of the Responses API, see
// https://platform.openai.com/docs/api-reference/responses-streaming. Its last event holds
// the whole response (response.completed, .incomplete or .failed) and replaces everything
// before it. If the stream ends early, or that event is too long, the result is the response
// as it began, with the items that ended and the texts of the items that did not.
type responsesAssembler struct {
	*Budget
	first   json.RawMessage // the answer as it began
	last    json.RawMessage // the answer as it ended
	ended   bool
	items   map[int]json.RawMessage // those that came to their end
	partial pieces[itemStreamed]    // those that did not
	err     json.RawMessage
}

// itemStreamed is an item of the output that has begun and not ended. The events of a stream
// name it by output_index; output_item.done replaces it with the whole item.
type itemStreamed struct {
	begun                           json.RawMessage // the item as it began
	said, refusal, thought, calling []byte
}

func (r *responsesAssembler) Add(name string, data []byte) {
	var event struct {
		Type     string          `json:"type"`
		Response json.RawMessage `json:"response"`
		Item     json.RawMessage `json:"item"`
		Index    int             `json:"output_index"`
		Delta    json.RawMessage `json:"delta"`
	}
	if !decode(data, &event) {
		return
	}
	if event.Type == "" {
		event.Type = name
	}
	switch event.Type {
	case "response.created":
		r.first = r.raw(event.Response)
	case "response.completed", "response.incomplete", "response.failed":
		r.ended, r.last = true, event.Response
		r.items, r.partial = nil, nil
	case "response.output_item.added":
		if item := r.partial.at(event.Index, r.Budget); item != nil {
			item.begun = r.raw(event.Item)
		}
	case "response.output_item.done":
		r.itemDone(event.Index, event.Item)
	case "error":
		r.err = data
	default:
		r.delta(event.Type, event.Index, event.Delta)
	}
}

func (r *responsesAssembler) itemDone(index int, item json.RawMessage) {
	delete(r.partial, index)
	if len(r.items) >= maxPieces {
		r.Cut = true
		return
	}
	if r.items == nil {
		r.items = map[int]json.RawMessage{}
	}
	if kept := r.raw(item); kept != nil {
		r.items[index], r.Began = kept, true
	}
}

// delta takes a piece of text.
func (r *responsesAssembler) delta(kind string, index int, delta json.RawMessage) {
	var text string
	if !given(delta) || json.Unmarshal(delta, &text) != nil {
		return
	}
	item := r.partial.at(index, r.Budget)
	if item == nil {
		return
	}
	switch kind {
	case "response.output_text.delta":
		r.text(&item.said, text)
	case "response.refusal.delta":
		r.text(&item.refusal, text)
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		r.text(&item.thought, text)
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		r.text(&item.calling, text)
	}
}

func (r *responsesAssembler) Complete() bool { return r.ended }

func (r *responsesAssembler) Failure() *Failure {
	raw := r.err
	if raw == nil && given(r.last) {
		var of struct {
			Error json.RawMessage `json:"error"`
		}
		if decode(r.last, &of) {
			raw = of.Error
		}
	}
	if !given(raw) {
		return nil
	}
	d := ReadFailure(raw)
	return &d
}

func (r *responsesAssembler) Result() []byte {
	if given(r.last) {
		return r.last
	}
	if !given(r.first) && len(r.items) == 0 && len(r.partial) == 0 {
		return nil
	}
	out := map[string]json.RawMessage{}
	if given(r.first) && !decode(r.first, &out) || out == nil {
		out = map[string]json.RawMessage{}
	}
	out["object"] = json.RawMessage(`"response"`)
	out["output"] = encode(r.output())
	return encode(out)
}

// output returns the items of the output, each as far as it came.
func (r *responsesAssembler) output() []json.RawMessage {
	all := maps.Clone(r.items)
	if all == nil {
		all = map[int]json.RawMessage{}
	}
	for index, item := range r.partial {
		all[index] = item.encoded()
	}
	out := []json.RawMessage{}
	for _, index := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[index])
	}
	return out
}

// encoded returns the item as far as it came.
func (i *itemStreamed) encoded() json.RawMessage {
	item := map[string]json.RawMessage{}
	if given(i.begun) && !decode(i.begun, &item) || item == nil {
		item = map[string]json.RawMessage{}
	}
	type part struct {
		Type    string `json:"type"`
		Text    string `json:"text,omitempty"`
		Refusal string `json:"refusal,omitempty"`
	}
	setType := func(kind string) {
		if _, known := item["type"]; !known {
			item["type"] = encode(kind)
		}
	}
	switch {
	case i.calling != nil:
		setType("function_call")
		key := "arguments"
		if string(item["type"]) == `"custom_tool_call"` {
			key = "input"
		}
		item[key] = encode(string(i.calling))
	case i.thought != nil:
		setType("reasoning")
		item["summary"] = encode([]part{{Type: "summary_text", Text: string(i.thought)}})
	default:
		setType("message")
		if _, known := item["role"]; !known {
			item["role"] = json.RawMessage(`"assistant"`)
		}
		parts := []part{}
		if i.said != nil {
			parts = append(parts, part{Type: "output_text", Text: string(i.said)})
		}
		if i.refusal != nil {
			parts = append(parts, part{Type: "refusal", Refusal: string(i.refusal)})
		}
		item["content"] = encode(parts)
	}
	return encode(item)
}
