package fold

import "github.com/troupelog/troupe/internal/wire"

// Usage is the tokens of one or more model calls. Input holds CacheRead, CacheWrite and
// AudioInput, Output holds Reasoning and AudioOutput, whatever way the provider counts.
type Usage struct {
	Input       int64 `json:"input"`                  // tokens of the prompt
	Output      int64 `json:"output"`                 // tokens of the answer
	Total       int64 `json:"total"`                  // as the provider says, or their sum
	CacheRead   int64 `json:"cached,omitempty"`       // part of Input that came from a cache
	CacheWrite  int64 `json:"cache_write,omitempty"`  // part of Input that was put into a cache
	Reasoning   int64 `json:"reasoning,omitempty"`    // part of Output that was thought, not said
	AudioInput  int64 `json:"audio_input,omitempty"`  // part of Input that was sound
	AudioOutput int64 `json:"audio_output,omitempty"` // part of Output that was sound
}

// Add adds v to the usage.
func (u *Usage) Add(v Usage) {
	u.Input += v.Input
	u.Output += v.Output
	u.Total += v.Total
	u.CacheRead += v.CacheRead
	u.CacheWrite += v.CacheWrite
	u.Reasoning += v.Reasoning
	u.AudioInput += v.AudioInput
	u.AudioOutput += v.AudioOutput
}

// Sub takes v away from the usage.
func (u *Usage) Sub(v Usage) {
	u.Add(Usage{
		Input: -v.Input, Output: -v.Output, Total: -v.Total, CacheRead: -v.CacheRead, CacheWrite: -v.CacheWrite,
		Reasoning: -v.Reasoning, AudioInput: -v.AudioInput, AudioOutput: -v.AudioOutput,
	})
}

// outcome returns what a generation's result says about its usage, if it does, and
// whether it is an error.
func outcome(result []byte) (usage Usage, hasUsage, failed bool) {
	for key, value := range wire.Fields(result) {
		switch string(key) {
		case "usage", "usageMetadata", "usage_metadata":
			if isObject(value) {
				usage, hasUsage = parseUsage(value), true
			}
		case "error":
			failed = failed || !isNull(value)
		}
	}
	return usage, hasUsage, failed
}

// counts is what a usage object says, before parts that the provider counts apart are
// added to what they are parts of.
type counts struct {
	Usage
	apartInput  int64 // counted beside Input: cached tokens, results of the provider's own tools
	apartOutput int64 // counted beside Output: thoughts
}

// parseUsage reads the usage object of OpenAI (both APIs), Anthropic, Gemini and
// Bedrock. Anthropic and Bedrock count cached tokens apart from the others, and Gemini
// thoughts and tool results. Anthropic's names beside OpenAI's, as gateways write them,
// are parts: OpenAI's prompt_tokens hold all.
func parseUsage(object []byte) Usage {
	var c counts
	var read, written int64
	whole := false // Input holds what was cached
	for key, value := range wire.Fields(object) {
		switch string(key) {
		case "prompt_tokens":
			c.Input, whole = tokens(value), true
		case "input_tokens", "inputTokens":
			c.Input = tokens(value)
		case "cache_read_input_tokens", "cacheReadInputTokens", "cacheReadInputTokenCount":
			read = tokens(value)
		case "cache_creation_input_tokens", "cacheWriteInputTokens", "cacheWriteInputTokenCount":
			written = tokens(value)
		default:
			c.other(string(key), value)
		}
	}
	c.CacheRead, c.CacheWrite = max(c.CacheRead, read), max(c.CacheWrite, written)
	if !whole {
		c.apartInput += read + written
	}
	return c.usage()
}

// other reads the counts that mean the same beside whatever other counts.
func (c *counts) other(key string, value []byte) {
	switch key {
	case "promptTokenCount", "prompt_token_count":
		c.Input = tokens(value)
	case "toolUsePromptTokenCount", "tool_use_prompt_token_count":
		c.apartInput += tokens(value)
	case "completion_tokens", "output_tokens", "candidatesTokenCount", "candidates_token_count", "outputTokens":
		c.Output = tokens(value)
	case "total_tokens", "totalTokenCount", "total_token_count", "totalTokens":
		c.Total = tokens(value)
	case "cachedContentTokenCount", "cached_content_token_count":
		c.CacheRead = tokens(value)
	case "thoughtsTokenCount", "thoughts_token_count":
		c.Reasoning = tokens(value)
		c.apartOutput = c.Reasoning
	case "prompt_tokens_details", "input_tokens_details":
		c.inputDetails(value)
	case "completion_tokens_details", "output_tokens_details":
		c.outputDetails(value)
	}
}

func (c *counts) inputDetails(object []byte) {
	for key, value := range wire.Fields(object) {
		switch string(key) {
		case "cached_tokens":
			c.CacheRead = tokens(value)
		case "audio_tokens":
			c.AudioInput = tokens(value)
		}
	}
}

func (c *counts) outputDetails(object []byte) {
	for key, value := range wire.Fields(object) {
		switch string(key) {
		case "reasoning_tokens":
			c.Reasoning = tokens(value)
		case "audio_tokens":
			c.AudioOutput = tokens(value)
		}
	}
}

func (c *counts) usage() Usage {
	u := c.Usage
	u.Input += c.apartInput
	u.Output += c.apartOutput
	if u.Total == 0 || c.apartInput+c.apartOutput > 0 {
		u.Total = max(u.Total, u.Input+u.Output)
	}
	return u
}

// maxTokens bounds one count, so that millions of them add up within an int64.
const maxTokens = 1e12

func tokens(raw []byte) int64 {
	f, ok := number(raw)
	if !ok || f < 0 || f > maxTokens {
		return 0
	}
	return int64(f)
}
