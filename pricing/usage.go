package pricing

// Usage counts the tokens of one or more model calls. Input includes CacheRead, CacheWrite
// and AudioInput, and Output includes Reasoning and AudioOutput, even if the provider
// counts them separately. The zero value means that nothing is known.
type Usage struct {
	Input  int64 `json:"input"`  // tokens of the prompt
	Output int64 `json:"output"` // tokens of the response
	// Total is the provider's total, or Input + Output if that is more. Prices ignore it.
	Total       int64 `json:"total"`
	CacheRead   int64 `json:"cached,omitempty"`       // part of Input that was read from a cache
	CacheWrite  int64 `json:"cache_write,omitempty"`  // part of Input that was written to a cache
	Reasoning   int64 `json:"reasoning,omitempty"`    // part of Output that the model thought and did not say
	AudioInput  int64 `json:"audio_input,omitempty"`  // part of Input that was sound
	AudioOutput int64 `json:"audio_output,omitempty"` // part of Output that was sound
}

// Add adds v to the usage, count by count.
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

// Sub subtracts v from the usage, count by count. Counts may become negative: a difference
// of two sums is a Usage too.
func (u *Usage) Sub(v Usage) {
	u.Add(Usage{
		Input: -v.Input, Output: -v.Output, Total: -v.Total, CacheRead: -v.CacheRead, CacheWrite: -v.CacheWrite,
		Reasoning: -v.Reasoning, AudioInput: -v.AudioInput, AudioOutput: -v.AudioOutput,
	})
}
