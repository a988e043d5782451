package storetest

import (
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/pricing"
)

// Prices are those that the suite opens stores with: a token of the model "a" costs a
// hundredth of a dollar. Nothing else has a price.
var Prices fold.Prices = prices{version: "1", token: pricing.Dollar / 100}

type prices struct {
	version string
	token   pricing.USD
}

func (p prices) Version() string { return p.version }

func (p prices) Cost(model, _ string, _ time.Time, u pricing.Usage) (pricing.Cost, bool) {
	if model != "a" {
		return pricing.Cost{}, false
	}
	c := pricing.Cost{Input: p.token * pricing.USD(u.Input), Output: p.token * pricing.USD(u.Output)}
	c.Total = c.Input + c.Output
	return c, true
}
