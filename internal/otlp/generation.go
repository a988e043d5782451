package otlp

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/troupelog/troupe/internal/protocol"
)

// generation adds the fields that only model calls have.
func (m *maker) generation() {
	a, f := m.attributes, &m.fields
	c := conversationOf(m.span)
	request, response := a.text("gen_ai.request.model", "llm.model_name", "embedding.model_name"), a.look("gen_ai.response.model")
	if request == "" {
		request = response
	}
	f.set("model", request)
	f.set("provider", providerOf(a))
	f.set("maximPromptId", a.text("troupe.prompt.id"))
	f.set("maximPromptVersionId", a.text("troupe.prompt.version"))
	input, output := a.get("input.value"), a.get("output.value")
	if len(c.sent) == 0 {
		c.sent = sentIn(input)
	}
	if len(c.sent) == 0 {
		c.sent = embedded(a)
	}
	f.set("messages", c.sent)
	f.set("modelParameters", parameters(a))
	f.set("cost", costOf(a))

	result := resultOf(a, &c, output)
	if len(result) == 0 && m.failed {
		result["error"], m.told = m.failure(), true
	}
	if usage := usageOf(a); len(result) == 0 {
		f.set("usage", usage)
	} else if usage != nil {
		result["usage"] = usage
	}
	if len(result) > 0 {
		describe(result, a)
	}
	m.results(result)
	m.input, m.output = lastText(c.sent, "user"), lastText(c.said(), "assistant")
}

// results adds the line of the result, after the results of earlier attempts.
func (m *maker) results(last object) {
	var all []any
	for _, earlier := range list(m.attributes.get("troupe.attempt")) {
		all = append(all, verbatim(earlier))
	}
	if len(last) > 0 {
		all = append(all, last)
	}
	for _, result := range all {
		var f fields
		f.set("result", result)
		m.entity.about = append(m.entity.about, f.line(m.entity.ref, protocol.Result))
	}
}

// resultOf returns the result of a model call, or an empty object if there is none.
func resultOf(a attributes, c *conversation, output any) object {
	result := object{}
	reasons := list(parsed(a.peek("gen_ai.response.finish_reasons")))
	if len(c.answers) == 0 && output != nil {
		if o, ok := parsed(output).(object); ok {
			result = o // in the provider's form
		} else {
			c.choice(nil, message(output, "assistant"))
		}
	}
	for i, raw := range c.answers {
		choice := raw.(object)
		if choice["finish_reason"] == nil && i < len(reasons) {
			choice["finish_reason"] = reasons[i]
		}
	}
	if len(c.answers) > 0 {
		result["choices"] = c.answers
	}
	return result
}

// describe adds the attributes that describe a result besides its answers. If there is no
// result they stay metadata.
func describe(result object, a attributes) {
	a.get("gen_ai.response.finish_reasons")
	for name, key := range map[string]string{"id": "gen_ai.response.id", "model": "gen_ai.response.model"} {
		if text := a.text(key); text != "" && result[name] == nil {
			result[name] = text
		}
	}
}

// sentIn returns the messages of an input, which is a whole request, a list of messages or a
// text.
func sentIn(input any) []any {
	switch v := parsed(input).(type) {
	case nil:
		return nil
	case object:
		if sent, ok := v["messages"].([]any); ok {
			return sent
		}
	case []any:
		if member(first(v), "role") != nil {
			return v
		}
	}
	return message(asJSON(input), "user")
}

func first(elements []any) any {
	if len(elements) == 0 {
		return nil
	}
	return elements[0]
}

// embedded returns the texts of an embedding as messages.
func embedded(a attributes) []any {
	sent := []any{}
	for _, e := range list(a.tree("embedding.embeddings")) {
		if text := member(e, "embedding", "text"); text != nil {
			sent = append(sent, object{"role": "user", "content": asJSON(text)})
		}
	}
	return sent
}

// providers maps names of the conventions to the names that clients of the log protocol use.
var providers = map[string]string{
	"azure.ai.openai": "azure", "azure.ai.inference": "azure", "az.ai.openai": "azure", "az.ai.inference": "azure",
	"aws.bedrock": "bedrock", "gcp.gemini": "google", "gcp.gen_ai": "google", "gcp.vertex_ai": "vertex", "vertex_ai": "vertex",
	"mistral_ai": "mistral", "x_ai": "xai",
}

func providerOf(a attributes) string {
	name := strings.ToLower(a.text("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"))
	if known, ok := providers[name]; ok {
		return known
	}
	return name
}

// parameterNames maps names below gen_ai.request to the names that clients of the log
// protocol use.
var parameterNames = map[string]string{"choice.count": "n", "stop_sequences": "stop"}

// parameters returns the parameters of a request.
func parameters(a attributes) object {
	all := object{}
	if given, ok := parsed(a.get("llm.invocation_parameters")).(object); ok {
		maps.Copy(all, given)
	}
	for i := range a {
		name, ok := strings.CutPrefix(a[i].key, "gen_ai.request.")
		if !ok || name == "model" {
			continue
		}
		a[i].used = true
		if known, ok := parameterNames[name]; ok {
			name = known
		}
		all[name] = a[i].value
	}
	maps.Copy(all, a.members("troupe.parameter."))
	if tools := toolsOf(a); len(tools) > 0 {
		all["tools"] = tools
	}
	return all
}

// toolsOf returns the tools offered to the model.
func toolsOf(a attributes) []any {
	if given := list(parsed(a.get("gen_ai.tool.definitions"))); len(given) > 0 {
		tools := []any{}
		for _, t := range given {
			tools = append(tools, toolOf(parsed(t)))
		}
		return tools
	}
	tools := []any{}
	for _, t := range list(a.tree("llm.tools")) { // OpenInference
		if schema := member(t, "tool", "json_schema"); schema != nil {
			tools = append(tools, toolOf(parsed(schema)))
		}
	}
	for _, f := range list(a.tree("llm.request.functions")) { // OpenLLMetry
		if o, ok := f.(object); ok {
			tools = append(tools, object{"type": "function", "function": object{
				"name": textOf(o["name"]), "description": textOf(o["description"]), "parameters": parsed(o["parameters"]),
			}})
		}
	}
	return tools
}

// toolOf returns a tool in OpenAI's form; the conventions have the function's members
// beside the type.
func toolOf(v any) any {
	o, ok := v.(object)
	if !ok || o["function"] != nil || o["name"] == nil || o["type"] != "function" {
		return v
	}
	function := maps.Clone(o)
	delete(function, "type")
	return object{"type": "function", "function": function}
}

// counts maps the places of token counts in OpenAI's usage to the attributes that hold them.
var counts = []struct {
	within, name string
	keys         []string
}{
	{"", "prompt_tokens", []string{"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens"}},
	{"", "completion_tokens", []string{"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens"}},
	{"", "total_tokens", []string{"gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"}},
	{"", "cache_creation_input_tokens", []string{
		"gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write",
	}},
	{inputDetails, "cached_tokens", []string{
		"gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cached_input_tokens",
		"gen_ai.usage.input_tokens.cached", "llm.token_count.prompt_details.cache_read",
	}},
	{inputDetails, "audio_tokens", []string{"llm.token_count.prompt_details.audio"}},
	{outputDetails, "reasoning_tokens", []string{
		"gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.output_tokens.reasoning",
		"gen_ai.usage.reasoning_output_tokens", "llm.usage.reasoning_tokens", "llm.token_count.completion_details.reasoning",
	}},
	{outputDetails, "audio_tokens", []string{"llm.token_count.completion_details.audio"}},
}

const inputDetails, outputDetails = "prompt_tokens_details", "completion_tokens_details"

// usageOf returns the tokens of a model call in OpenAI's form, or nil if there are none.
func usageOf(a attributes) object {
	usage := object{}
	count := func(o object, name string) int64 {
		n, _ := number(o[name])
		return int64(n)
	}
	for _, c := range counts {
		n, ok := whole(a.get(c.keys...))
		switch {
		case !ok:
		case c.within == "":
			usage[c.name] = n
		default:
			details, _ := usage[c.within].(object)
			if details == nil {
				details = object{}
				usage[c.within] = details
			}
			details[c.name] = n
		}
	}
	if len(usage) == 0 {
		return nil
	}
	// Cached and reasoning tokens should be part of the totals, but some SDKs count them
	// separately. If a part exceeds its total, it was not included.
	in, _ := usage[inputDetails].(object)
	if apart := count(in, "cached_tokens") + count(usage, "cache_creation_input_tokens"); apart > count(usage, "prompt_tokens") {
		usage["prompt_tokens"] = apart + count(usage, "prompt_tokens")
		delete(usage, "total_tokens")
	}
	out, _ := usage[outputDetails].(object)
	if thoughts := count(out, "reasoning_tokens"); thoughts > count(usage, "completion_tokens") {
		usage["completion_tokens"] = thoughts + count(usage, "completion_tokens")
		delete(usage, "total_tokens")
	}
	return usage
}

// costOf returns the cost of a call in dollars, if the span gives it.
func costOf(a attributes) object {
	cost := object{}
	for _, c := range []struct {
		name string
		keys []string
	}{
		{"input", []string{"llm.cost.prompt", "gen_ai.usage.input_cost"}},
		{"output", []string{"llm.cost.completion", "gen_ai.usage.output_cost"}},
		{"total", []string{"llm.cost.total", "gen_ai.usage.cost", "gen_ai.cost.total"}},
	} {
		if n, ok := number(a.get(c.keys...)); ok && n >= 0 {
			cost[c.name] = json.Number(textOf(n))
		}
	}
	return cost
}

// members returns the attributes with a prefix by the rest of their names, with JSON
// parsed. It marks them as used.
func (a attributes) members(prefix string) object {
	found := object{}
	for i := range a {
		if name, ok := strings.CutPrefix(a[i].key, prefix); ok {
			a[i].used = true
			found[name] = parsed(a[i].value)
		}
	}
	return found
}
