package logger

import (
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

// Prices computes the cost of model calls; *pricing.Table implements it.
type Prices interface {
	// Cost returns the price of a call at a time, and false if it does not know one. It is
	// called concurrently. A panic in it is caught and reported with ErrPanic.
	Cost(model, provider string, at time.Time, u pricing.Usage) (pricing.Cost, bool)
}

// priceState holds the facts about a generation that Config.Prices may need.
type priceState struct {
	model, provider string      // as AddGeneration was given them; immutable
	given           atomic.Bool // the caller has logged the cost
}

// newPriceState returns nil if nothing is priced.
func (p *pipeline) newPriceState(c *GenerationConfig) *priceState {
	if p == nil || p.cfg.Prices == nil {
		return nil
	}
	return &priceState{model: c.Model, provider: c.Provider}
}

// AddCost logs the price of the model call. It takes precedence over Config.Prices. A Total of
// 0 means Input + Output.
func (g Generation) AddCost(c pricing.Cost) {
	if g.price != nil {
		g.price.given.Store(true)
	}
	g.sendCost(c)
}

// sendCost sends a cost, whoever computed it.
func (g Generation) sendCost(c pricing.Cost) {
	if c.Total == 0 {
		c.Total = c.Input.Add(c.Output)
	}
	facts := messages.Command{Action: messages.AddCost, Cost: &messages.Cost{USD: c.Total}}
	g.updateOf(facts, func(w *wire.Encoder) bool {
		w.Name("cost")
		w.Open('{')
		w.Float("input", dollars(c.Input)) // never false: amounts are finite
		w.Float("output", dollars(c.Output))
		w.Float("total", dollars(c.Total))
		w.Close('}')
		return true
	})
}

// addPrice logs the price of a call if Config.Prices knows it and the caller has not
// logged one. The model that the response names is more precise than the requested one.
func (g Generation) addPrice(response []byte, u pricing.Usage) {
	if g.pipe.cfg.Prices == nil || u == (pricing.Usage{}) || g.price != nil && g.price.given.Load() {
		return
	}
	models, provider := []string{genai.ModelOf(response)}, ""
	if g.price != nil {
		models, provider = append(models, g.price.model), g.price.provider
	}
	for _, model := range models {
		if model == "" {
			continue
		}
		if cost, ok := g.askPrice(model, provider, u); ok {
			g.sendCost(cost)
			return
		}
	}
}

// askPrice contains a panic of Config.Prices: the result is logged all the same.
func (g Generation) askPrice(model, provider string, u pricing.Usage) (cost pricing.Cost, ok bool) {
	defer func() {
		if recover() != nil {
			g.pipe.suspect(g.pipe.problem(g.ref, messages.AddCost, ErrPanic, "Config.Prices panicked; the cost is left out"))
			cost, ok = pricing.Cost{}, false
		}
	}()
	return g.pipe.cfg.Prices.Cost(model, provider, time.Now(), u)
}

// dollars returns an amount in the unit of the protocol.
func dollars(a pricing.USD) float64 { return float64(a) / float64(pricing.Dollar) }
