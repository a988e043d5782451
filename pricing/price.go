package pricing

// Usage is what a model call used. Of tokens, Input holds CacheRead, CacheWrite and
// AudioInput, and Output holds Reasoning and AudioOutput: they are parts, not additions.
type Usage struct {
	Input, Output           int64
	CacheRead, CacheWrite   int64
	Reasoning               int64
	AudioInput, AudioOutput int64
}

// Cost is what one or more model calls cost.
type Cost struct {
	Input  USD `json:"input"`
	Output USD `json:"output"`
	Total  USD `json:"total"`
}

// Add adds v to the cost.
func (c *Cost) Add(v Cost) {
	c.Input = c.Input.Add(v.Input)
	c.Output = c.Output.Add(v.Output)
	c.Total = c.Total.Add(v.Total)
}
