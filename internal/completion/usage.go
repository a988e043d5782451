package completion

import "encoding/json"

// Usage is the tokens of one model call, as OpenAI counts them: what came from a
// cache is part of the input, what was thought is part of the output.
type Usage struct {
	Input     int64 // tokens of the prompt
	Output    int64 // tokens of the answer
	Total     int64 // as the provider says, at least Input + Output
	Cached    int64 // part of Input that was read from a cache
	Reasoning int64 // part of Output that was thought, not said
}

// maxTokens bounds one count, so that millions of them add up within an int64.
const maxTokens = 1e12

// count is a number of tokens on the wire. Some gateways write it as 12.0.
type count float64

func (c count) tokens() int64 {
	if c < 0 || c > maxTokens {
		return 0
	}
	return int64(c)
}

// tokenCounts is the usage object of a chat completion.
type tokenCounts struct {
	Prompt     int64             `json:"prompt_tokens"`
	Completion int64             `json:"completion_tokens"`
	Total      int64             `json:"total_tokens"`
	Cache      *cacheDetails     `json:"prompt_tokens_details,omitempty"`
	Thought    *reasoningDetails `json:"completion_tokens_details,omitempty"`
	// CacheWrite has Anthropic's name: OpenAI has none, and without it the price of a
	// call cannot be told.
	CacheWrite int64 `json:"cache_creation_input_tokens,omitempty"`
}

type cacheDetails struct {
	Cached int64 `json:"cached_tokens"`
}

type reasoningDetails struct {
	Reasoning int64 `json:"reasoning_tokens"`
}

// newTokenCounts makes the usage object of u, of which written tokens went into a
// cache.
func newTokenCounts(u Usage, written int64) *tokenCounts {
	t := &tokenCounts{Prompt: u.Input, Completion: u.Output, Total: u.Total, CacheWrite: written}
	if u.Cached > 0 {
		t.Cache = &cacheDetails{u.Cached}
	}
	if u.Reasoning > 0 {
		t.Thought = &reasoningDetails{u.Reasoning}
	}
	return t
}

// totals is the inverse of newTokenCounts; the usage of nil is zero.
func (t *tokenCounts) totals() Usage {
	if t == nil {
		return Usage{}
	}
	u := Usage{Input: t.Prompt, Output: t.Completion, Total: t.Total}
	if t.Cache != nil {
		u.Cached = t.Cache.Cached
	}
	if t.Thought != nil {
		u.Reasoning = t.Thought.Reasoning
	}
	return u
}

// summed raises the total to the sum of its parts, for providers that give none or
// leave cached tokens out of it.
func (u Usage) summed() Usage {
	u.Total = max(u.Total, u.Input+u.Output)
	return u
}

// openAIUsage reads the usage of a chat or text completion.
func openAIUsage(raw json.RawMessage) Usage {
	var w struct {
		Prompt     count `json:"prompt_tokens"`
		Completion count `json:"completion_tokens"`
		Total      count `json:"total_tokens"`
		Cache      struct {
			Cached count `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
		Thought struct {
			Reasoning count `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	}
	if !given(raw) || decodeLeniently(raw, &w) != nil {
		return Usage{}
	}
	return Usage{
		Input: w.Prompt.tokens(), Output: w.Completion.tokens(), Total: w.Total.tokens(),
		Cached: w.Cache.Cached.tokens(), Reasoning: w.Thought.Reasoning.tokens(),
	}.summed()
}

// responsesUsage reads the usage of a Responses answer.
func responsesUsage(raw json.RawMessage) Usage {
	var w struct {
		Input  count `json:"input_tokens"`
		Output count `json:"output_tokens"`
		Total  count `json:"total_tokens"`
		Cache  struct {
			Cached count `json:"cached_tokens"`
		} `json:"input_tokens_details"`
		Thought struct {
			Reasoning count `json:"reasoning_tokens"`
		} `json:"output_tokens_details"`
	}
	if !given(raw) || decodeLeniently(raw, &w) != nil {
		return Usage{}
	}
	return Usage{
		Input: w.Input.tokens(), Output: w.Output.tokens(), Total: w.Total.tokens(),
		Cached: w.Cache.Cached.tokens(), Reasoning: w.Thought.Reasoning.tokens(),
	}.summed()
}

// given reports whether a member is there and not null.
func given(raw json.RawMessage) bool {
	return len(raw) > 0 && raw[0] != 'n'
}
