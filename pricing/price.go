package pricing

// Usage is what a model call used. Of tokens, Input holds CacheRead, CacheWrite and
// AudioInput, and Output holds Reasoning and AudioOutput: they are parts, not additions.
type Usage struct {
	Input, Output           int64
	CacheRead, CacheWrite   int64
	Reasoning               int64
	AudioInput, AudioOutput int64
}

// Cost is what a model call cost.
type Cost struct {
	Input, Output, Total USD
}
