package pricing

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
