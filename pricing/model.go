package pricing

import (
	"maps"
	"slices"
	"time"
)

// Part is a kind of token with a separate price. Its text is its name in a file of prices.
type Part string

// The parts of a call.
const (
	// Input is the input that no other part counts.
	Input Part = "input"
	// Output is the output that no other part counts.
	Output Part = "output"
	// CacheRead is input that was read from the provider's cache.
	CacheRead Part = "cache_read"
	// CacheWrite is input that was written to the provider's cache.
	CacheWrite Part = "cache_write"
	// Reasoning is output that the model wrote before its answer, shown or not.
	Reasoning Part = "reasoning"
	// AudioInput is input that was sound.
	AudioInput Part = "audio_input"
	// AudioOutput is output that was sound.
	AudioOutput Part = "audio_output"
)

// Parts returns all parts in the order in which tables show them: first the parts of the input,
// then the parts of the output. The caller owns the slice.
func Parts() []Part {
	return []Part{Input, CacheRead, CacheWrite, Output, Reasoning, AudioInput, AudioOutput}
}

// Rates are prices of a million tokens by part. A part without an entry has no listed price,
// which differs from a price of 0: see the package comment for the fallbacks.
type Rates map[Part]USD

// Tier has the rates of calls whose whole input, with all its parts, is more than Above
// tokens. It lists at least the parts that the price itself lists, so that a longer call never
// falls back to another part than a shorter one.
type Tier struct {
	Above int64
	Rates Rates
}

// Price is the price of a model from From, inclusive, until Until, exclusive. A zero time is
// no limit. If several prices of a model hold at a time, the one with the latest From wins.
type Price struct {
	From, Until time.Time
	Rates       Rates
	Tiers       []Tier    // by ascending Above
	Source      string    // where it is published; may be empty in a user's table
	Retrieved   time.Time // the day on which the source said so; may be zero in a user's table
}

// Model is an entry of a Table: a model at one provider, with its prices over time.
type Model struct {
	Name     string   // in lower case
	Provider string   // the company whose price list it is, in lower case; empty for any
	Aliases  []string // other names of the model at this provider, in lower case
	// Hosted marks a model that several companies serve at different prices. It is found only
	// if the call's provider or a prefix of the name is Provider.
	Hosted bool
	Prices []Price // by ascending From
}

// at returns the price that holds at a time, or the newest price for the zero time.
func (m *Model) at(t time.Time) (*Price, bool) {
	for i := len(m.Prices) - 1; i >= 0; i-- {
		p := &m.Prices[i]
		if t.IsZero() || !t.Before(p.From) && (p.Until.IsZero() || t.Before(p.Until)) {
			return p, true
		}
	}
	return nil, false
}

// rates returns the rates of a call with the given number of input tokens. The bound of a tier
// still belongs to the rates below it.
func (p *Price) rates(input int64) Rates {
	rates := p.Rates
	for _, tier := range p.Tiers {
		if input > tier.Above {
			rates = tier.Rates
		}
	}
	return rates
}

// clone returns a deep copy: tables are shared, so no caller may get hold of their maps.
func (m *Model) clone() Model {
	c := *m
	c.Aliases = slices.Clone(m.Aliases)
	c.Prices = slices.Clone(m.Prices)
	for i := range c.Prices {
		c.Prices[i] = c.Prices[i].clone()
	}
	return c
}

// clone returns a deep copy.
func (p *Price) clone() Price {
	c := *p
	c.Rates = maps.Clone(p.Rates)
	c.Tiers = slices.Clone(p.Tiers)
	for i := range c.Tiers {
		c.Tiers[i].Rates = maps.Clone(c.Tiers[i].Rates)
	}
	return c
}
