package pricing

// Cost is the cost of one or more model calls, in billionths of a US dollar; in JSON it is in
// dollars. A cost that Table.Cost returns has the sum of Input and Output as its Total. A cost
// that a user gives with a call may have a Total alone.
type Cost struct {
	Input  USD `json:"input"`  // of all input tokens, cached and audio ones included
	Output USD `json:"output"` // of all output tokens, reasoning and audio included
	Total  USD `json:"total"`
}

// Add adds v to the cost, field by field. Each field stops at the limit of USD, as USD.Add does,
// so that the total of a large log never turns negative. Add is not safe for concurrent use.
func (c *Cost) Add(v Cost) {
	c.Input = c.Input.Add(v.Input)
	c.Output = c.Output.Add(v.Output)
	c.Total = c.Total.Add(v.Total)
}
