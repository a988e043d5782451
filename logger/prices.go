package logger

import (
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/completion"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

// Prices says what model calls cost, false where it does not know. It is called
// concurrently. *pricing.Table is one.
type Prices interface {
	Cost(model, provider string, at time.Time, u pricing.Usage) (pricing.Cost, bool)
}

// bill is what is known of a generation that may be priced.
type bill struct {
	model, provider string      // as AddGeneration was told
	given           atomic.Bool // the caller said what it cost
}

// newBill returns nil where nothing is priced.
func (l *Logger) newBill(c *GenerationConfig) *bill {
	if l == nil || l.cfg.Prices == nil {
		return nil
	}
	return &bill{model: c.Model, provider: c.Provider}
}

// price logs what a call cost, if Config.Prices knows. The model that the answer names
// counts more than the one that was asked for.
func (e entity) price(answer []byte, u completion.Usage, b *bill) {
	if e.log.cfg.Prices == nil || u == (completion.Usage{}) || b != nil && b.given.Load() {
		return
	}
	models, provider := []string{completion.ModelOf(answer)}, ""
	if b != nil {
		models, provider = append(models, b.model), b.provider
	}
	used := pricing.Usage{
		Input: u.Input, Output: u.Output, CacheRead: u.Cached, CacheWrite: u.CacheWrite,
		Reasoning: u.Reasoning, AudioInput: u.AudioInput, AudioOutput: u.AudioOutput,
	}
	for _, model := range models {
		if model == "" {
			continue
		}
		if cost, ok := e.askPrice(model, provider, used); ok {
			e.addCost(Cost{Input: dollars(cost.Input), Output: dollars(cost.Output), Total: dollars(cost.Total)})
			return
		}
	}
}

// askPrice contains a panic of Config.Prices: the result is logged all the same.
func (e entity) askPrice(model, provider string, u pricing.Usage) (cost pricing.Cost, ok bool) {
	defer func() {
		if recover() != nil {
			p := e.log.problem(e.ref, messages.AddCost, ErrPanic, "Config.Prices panicked: the cost is left out")
			p.Kept = true
			e.log.report.count(p)
			e.log.report.tell(p)
			cost, ok = pricing.Cost{}, false
		}
	}()
	return e.log.cfg.Prices.Cost(model, provider, time.Now(), u)
}

// dollars returns an amount as the protocol has it.
func dollars(a pricing.USD) float64 { return float64(a) / float64(pricing.Dollar) }
