package pricing

import (
	"maps"
	"slices"
	"time"
)

// Part is a kind of token that has a price of its own. Its text is the name in a file of
// prices.
type Part string

// The parts of a call.
const (
	Input       Part = "input"
	Output      Part = "output"
	CacheRead   Part = "cache_read"
	CacheWrite  Part = "cache_write"
	Reasoning   Part = "reasoning"
	AudioInput  Part = "audio_input"
	AudioOutput Part = "audio_output"
)

// Parts returns all parts, in the order in which tables show them.
func Parts() []Part {
	return []Part{Input, CacheRead, CacheWrite, Output, Reasoning, AudioInput, AudioOutput}
}

// Rates are prices of a million tokens. A part that is not in it is not listed.
type Rates map[Part]USD

// Tier has the rates of calls whose input, all parts of it, is of more than Above tokens.
// It lists every part that the rates below it list.
type Tier struct {
	Above int64
	Rates Rates
}

// Price is what a model costs at a time: from From until before Until. A zero time does
// not bound.
type Price struct {
	From, Until time.Time
	Rates       Rates
	Tiers       []Tier    // by ascending Above
	Source      string    // where it is published; may be empty in a user's table
	Retrieved   time.Time // the day on which the source said so; may be zero in a user's table
}

// Model is a model in a Table.
type Model struct {
	Name     string // in lower case
	Provider string // in lower case; whose price it is
	Aliases  []string
	// Hosted says that others serve a model of this name too, at prices of their own.
	Hosted bool
	Prices []Price // by ascending From
}

// at returns the price that holds at a time, the newest for the zero time.
func (m *Model) at(t time.Time) (*Price, bool) {
	for i := len(m.Prices) - 1; i >= 0; i-- {
		p := &m.Prices[i]
		if t.IsZero() || !t.Before(p.From) && (p.Until.IsZero() || t.Before(p.Until)) {
			return p, true
		}
	}
	return nil, false
}

// rates returns the rates of a call with so many tokens of input.
func (p *Price) rates(input int64) Rates {
	rates := p.Rates
	for _, tier := range p.Tiers {
		if input > tier.Above {
			rates = tier.Rates
		}
	}
	return rates
}

// clone returns a copy that shares nothing with m.
func (m *Model) clone() Model {
	c := *m
	c.Aliases = slices.Clone(m.Aliases)
	c.Prices = slices.Clone(m.Prices)
	for i := range c.Prices {
		c.Prices[i] = c.Prices[i].clone()
	}
	return c
}

func (p *Price) clone() Price {
	c := *p
	c.Rates = maps.Clone(p.Rates)
	c.Tiers = slices.Clone(p.Tiers)
	for i := range c.Tiers {
		c.Tiers[i].Rates = maps.Clone(c.Tiers[i].Rates)
	}
	return c
}
