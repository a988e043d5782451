package fold

import "github.com/troupelog/troupe/internal/wire"

// Usage is the tokens of one or more model calls.
type Usage struct {
	Input     int64 `json:"input"`               // tokens of the prompt
	Output    int64 `json:"output"`              // tokens of the answer
	Total     int64 `json:"total"`               // as the provider says, or their sum
	Cached    int64 `json:"cached,omitempty"`    // part of Input that came from a cache
	Reasoning int64 `json:"reasoning,omitempty"` // part of Output that was thought, not said
}

// Add adds v to the usage.
func (u *Usage) Add(v Usage) {
	u.Input += v.Input
	u.Output += v.Output
	u.Total += v.Total
	u.Cached += v.Cached
	u.Reasoning += v.Reasoning
}

// Cost is what one or more model calls cost, in the currency the client uses,
// which is US dollars by convention.
type Cost struct {
	Input  float64 `json:"input"`
	Output float64 `json:"output"`
	Total  float64 `json:"total"` // as the client says, or their sum
}

// Add adds v to the cost.
func (c *Cost) Add(v Cost) {
	c.Input += v.Input
	c.Output += v.Output
	c.Total += v.Total
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

// parseUsage reads the usage object of OpenAI (both APIs), Anthropic, Gemini and
// Bedrock, which differ in the names only.
func parseUsage(object []byte) Usage {
	var u Usage
	for key, value := range wire.Fields(object) {
		switch string(key) {
		case "prompt_tokens", "input_tokens", "promptTokenCount", "prompt_token_count", "inputTokens":
			u.Input = tokens(value)
		case "completion_tokens", "output_tokens", "candidatesTokenCount", "candidates_token_count", "outputTokens":
			u.Output = tokens(value)
		case "total_tokens", "totalTokenCount", "total_token_count", "totalTokens":
			u.Total = tokens(value)
		case "cache_read_input_tokens", "cachedContentTokenCount", "cacheReadInputTokens":
			u.Cached = tokens(value)
		case "thoughtsTokenCount":
			u.Reasoning = tokens(value)
		case "prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details":
			u.details(value)
		}
	}
	if u.Total == 0 {
		u.Total = u.Input + u.Output
	}
	return u
}

func (u *Usage) details(object []byte) {
	for key, value := range wire.Fields(object) {
		switch string(key) {
		case "cached_tokens":
			u.Cached = tokens(value)
		case "reasoning_tokens":
			u.Reasoning = tokens(value)
		}
	}
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

// parseCost reads {"input","output","total"}, or a plain number for the total.
func parseCost(raw []byte) Cost {
	var c Cost
	if !isObject(raw) {
		c.Total, _ = number(raw)
		return c
	}
	for key, value := range wire.Fields(raw) {
		switch f, _ := number(value); string(key) {
		case "input":
			c.Input = f
		case "output":
			c.Output = f
		case "total":
			c.Total = f
		}
	}
	if c.Total == 0 {
		c.Total = c.Input + c.Output
	}
	return c
}
