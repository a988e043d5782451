package genai

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/pricing"
)

// The names that providers give to the counts of a usage object. They occur here and
// nowhere else in the module: EncodeUsage writes and ReadUsage reads them.
const (
	promptTokens      = "prompt_tokens"     // OpenAI chat; includes cached tokens
	completionTokens  = "completion_tokens" // OpenAI chat
	totalTokens       = "total_tokens"
	promptDetails     = "prompt_tokens_details"
	completionDetails = "completion_tokens_details"
	cachedTokens      = "cached_tokens"
	reasoningTokens   = "reasoning_tokens"
	audioTokens       = "audio_tokens"
	cacheCreation     = "cache_creation_input_tokens" // Anthropic, and gateways beside OpenAI's names
)

// maxTokens bounds one count, so that sums of millions of them fit an int64.
const maxTokens = 1e12

// ReadUsage reads the usage object of any provider. It reports false for a value that is
// not an object; an object without counts that it knows is a usage of zero.
//
// Names are matched exactly. The PascalCase names belong to the Bedrock Go SDK, whose
// structs have no JSON names. A count is a number or a quoted number from 0 to 1e12;
// anything else is ignored.
//
// Providers disagree about parts. Anthropic and Bedrock count cached tokens beside the
// input, Gemini counts thoughts beside the output and results of server tools beside the
// input: these are added to the wholes. Anthropic's names beside OpenAI's, which gateways
// write, are parts, because prompt_tokens holds everything. Total is the provider's unless
// it is below the sum of input and output: Bedrock leaves cached tokens out of it.
func ReadUsage(object []byte) (u pricing.Usage, ok bool) {
	if !isObject(object) {
		return u, false
	}
	var r usageReader
	for m := jsonscan.MembersOf(object); m.Next(); {
		r.member(string(m.Key), m.Value)
	}
	return r.usage(), true
}

// usageReader collects the counts of one usage object.
type usageReader struct {
	pricing.Usage
	read, written int64 // cached tokens under Anthropic's or Bedrock's names
	inclusive     bool  // Input holds the cached tokens
	besideInput   int64 // counted beside Input
	besideOutput  int64 // counted beside Output
}

// member reads one count. Of several names for a count, as gateways write them, the last in
// the object counts.
func (r *usageReader) member(key string, value []byte) {
	switch key {
	case promptTokens:
		r.Input, r.inclusive = tokens(value), true
	case "input_tokens", "inputTokens", "InputTokens", "promptTokenCount", "prompt_token_count":
		r.Input = tokens(value)
	case completionTokens, "output_tokens", "outputTokens", "OutputTokens", "candidatesTokenCount", "candidates_token_count":
		r.Output = tokens(value)
	case totalTokens, "totalTokens", "TotalTokens", "totalTokenCount", "total_token_count":
		r.Total = tokens(value)
	case "cache_read_input_tokens", "cacheReadInputTokens", "CacheReadInputTokens", "cacheReadInputTokenCount":
		r.read = tokens(value)
	case cacheCreation, "cacheWriteInputTokens", "CacheWriteInputTokens", "cacheWriteInputTokenCount":
		r.written = tokens(value)
	case "cachedContentTokenCount", "cached_content_token_count":
		r.CacheRead = tokens(value)
	case "toolUsePromptTokenCount", "tool_use_prompt_token_count":
		r.besideInput += tokens(value)
	case "thoughtsTokenCount", "thoughts_token_count":
		r.Reasoning = tokens(value)
		r.besideOutput = r.Reasoning
	case promptDetails, "input_tokens_details":
		r.CacheRead, r.AudioInput = detail(value, cachedTokens, r.CacheRead), detail(value, audioTokens, r.AudioInput)
	case completionDetails, "output_tokens_details":
		r.Reasoning, r.AudioOutput = detail(value, reasoningTokens, r.Reasoning), detail(value, audioTokens, r.AudioOutput)
	}
}

// usage adds the counts that stand beside the wholes to them.
func (r *usageReader) usage() pricing.Usage {
	u := r.Usage
	u.CacheRead, u.CacheWrite = max(u.CacheRead, r.read), max(u.CacheWrite, r.written)
	u.Input += r.besideInput
	if !r.inclusive {
		u.Input += r.read + r.written
	}
	u.Output += r.besideOutput
	u.Total = max(u.Total, u.Input+u.Output)
	return u
}

// detail returns one count of an object of counts, or the default if it has none.
func detail(object []byte, name string, otherwise int64) int64 {
	n := otherwise
	for m := jsonscan.MembersOf(object); m.Next(); {
		if string(m.Key) == name {
			n = tokens(m.Value)
		}
	}
	return n
}

// tokens returns a count, also out of a string; 0 for anything else.
func tokens(value []byte) int64 {
	if len(value) > 2 && value[0] == '"' {
		value = value[1 : len(value)-1]
	}
	if len(value) == 0 || value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return 0
	}
	n, err := strconv.ParseFloat(string(value), 64) // exact up to 2^53, far above maxTokens
	if err != nil || n < 0 || n > maxTokens {
		return 0
	}
	return int64(n)
}

// UsageOf reads the usage of a whole result, in whatever member its form keeps it. It
// reports false if there is none.
func UsageOf(result []byte) (u pricing.Usage, ok bool) {
	for m := jsonscan.MembersOf(result); m.Next(); {
		switch string(m.Key) {
		case "usage", "usageMetadata", "usage_metadata", "Usage":
			if read, is := ReadUsage(m.Value); is {
				u, ok = read, true
			}
		}
	}
	return u, ok
}

// chatUsage is the usage object of a chat completion. OpenAI has no name for tokens written
// to a cache: Anthropic's is used, because a call cannot be priced without them.
type chatUsage struct {
	Prompt     int64        `json:"prompt_tokens"`
	Completion int64        `json:"completion_tokens"`
	Total      int64        `json:"total_tokens"`
	OfPrompt   *usageDetail `json:"prompt_tokens_details,omitempty"`
	OfResponse *usageDetail `json:"completion_tokens_details,omitempty"`
	CacheWrite int64        `json:"cache_creation_input_tokens,omitempty"`
}

// usageDetail holds the parts of a count.
type usageDetail struct {
	Cached    int64 `json:"cached_tokens,omitempty"`
	Reasoning int64 `json:"reasoning_tokens,omitempty"`
	Audio     int64 `json:"audio_tokens,omitempty"`
}

// EncodeUsage returns the usage object of a chat completion, from which ReadUsage reads u
// again. Whoever writes a usage takes it, so that the names occur in this package only.
func EncodeUsage(u pricing.Usage) json.RawMessage {
	w := chatUsage{Prompt: u.Input, Completion: u.Output, Total: u.Total, CacheWrite: u.CacheWrite}
	if of := (usageDetail{Cached: u.CacheRead, Audio: u.AudioInput}); of != (usageDetail{}) {
		w.OfPrompt = &of
	}
	if of := (usageDetail{Reasoning: u.Reasoning, Audio: u.AudioOutput}); of != (usageDetail{}) {
		w.OfResponse = &of
	}
	return encode(w)
}

// usageFrom rewrites a provider's usage object in OpenAI's names; nil if there is none.
func usageFrom(object []byte) json.RawMessage {
	u, ok := ReadUsage(object)
	if !ok {
		return nil
	}
	return EncodeUsage(u)
}

// ModelOf returns the model that a result names, "" if it names none.
func ModelOf(result []byte) string {
	model := ""
	for m := jsonscan.MembersOf(result); m.Next(); {
		if bytes.EqualFold(m.Key, []byte("model")) && json.Unmarshal(m.Value, &model) != nil {
			model = ""
		}
	}
	return model
}
