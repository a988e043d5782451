package completion

import (
	"encoding/json"
	"strconv"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// Usage is the tokens of one model call, as OpenAI counts them: what came from a
// cache is part of the input, what was thought is part of the output.
type Usage struct {
	Input     int64 // tokens of the prompt
	Output    int64 // tokens of the answer
	Total     int64 // as the provider says, at least Input + Output
	Cached    int64 // part of Input that was read from a cache
	Reasoning int64 // part of Output that was thought, not said

	CacheWrite  int64 // part of Input that was written to a cache
	AudioInput  int64 // part of Input
	AudioOutput int64 // part of Output
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
	u := Usage{Input: t.Prompt, Output: t.Completion, Total: t.Total, CacheWrite: t.CacheWrite}
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
func openAIUsage(raw []byte) Usage {
	var u Usage
	for m := jsonscan.MembersOf(raw); m.Next(); {
		var buf name
		switch string(buf.lower(m.Key)) {
		case "prompt_tokens":
			u.Input = tokens(m.Value)
		case "completion_tokens":
			u.Output = tokens(m.Value)
		case "total_tokens":
			u.Total = tokens(m.Value)
		case "cache_creation_input_tokens":
			u.CacheWrite = tokens(m.Value)
		case "prompt_tokens_details":
			u.Cached, u.AudioInput = detail(m.Value, "cached_tokens"), detail(m.Value, "audio_tokens")
		case "completion_tokens_details":
			u.Reasoning, u.AudioOutput = detail(m.Value, "reasoning_tokens"), detail(m.Value, "audio_tokens")
		}
	}
	return u.summed()
}

// responsesUsage reads the usage of a Responses answer.
func responsesUsage(raw []byte) Usage {
	var u Usage
	for m := jsonscan.MembersOf(raw); m.Next(); {
		var buf name
		switch string(buf.lower(m.Key)) {
		case "input_tokens":
			u.Input = tokens(m.Value)
		case "output_tokens":
			u.Output = tokens(m.Value)
		case "total_tokens":
			u.Total = tokens(m.Value)
		case "input_tokens_details":
			u.Cached, u.AudioInput = detail(m.Value, "cached_tokens"), detail(m.Value, "audio_tokens")
		case "output_tokens_details":
			u.Reasoning, u.AudioOutput = detail(m.Value, "reasoning_tokens"), detail(m.Value, "audio_tokens")
		}
	}
	return u.summed()
}

// detail returns one count of an object of counts.
func detail(object []byte, which string) int64 {
	n := int64(0)
	for m := jsonscan.MembersOf(object); m.Next(); {
		var buf name
		if string(buf.lower(m.Key)) == which {
			n = tokens(m.Value)
		}
	}
	return n
}

// tokens returns a number of tokens as it is written, 0 for what is none.
func tokens(value []byte) int64 {
	if k := kindOf(value); k != '-' && (k < '0' || k > '9') {
		return 0
	}
	if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		return count(n).tokens()
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil {
		return 0
	}
	return count(f).tokens()
}

// ModelOf returns the model that an answer names, "" for none. The answer is one that
// Normalize returned.
func ModelOf(answer []byte) string {
	model := ""
	for m := jsonscan.MembersOf(answer); m.Next(); {
		var buf name
		if string(buf.lower(m.Key)) == "model" && json.Unmarshal(m.Value, &model) != nil {
			model = ""
		}
	}
	return model
}
