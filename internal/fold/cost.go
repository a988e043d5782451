package fold

import (
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/pricing"
)

// Prices returns the cost of a model call, or false if it is unknown. As long as Version
// returns the same text, the same arguments must give the same cost. Implementations must
// be safe for concurrent use. *pricing.Table is one.
type Prices interface {
	Cost(model, provider string, at time.Time, u pricing.Usage) (pricing.Cost, bool)
	Version() string
}

// Costing is the source of an entity's cost. Its numbers are stored, so they must not change.
type Costing uint8

// Sources of a cost.
const (
	NoCost    Costing = iota // no known usage has to be paid for
	GivenCost                // given by the client
	Priced                   // computed from prices
	Unpriced                 // no price is known for the usage
)

// Price sets the cost of a generation that used tokens and for which the client gives
// no cost. With nil prices, no price is known.
func (e *Entity) Price(prices Prices) {
	if e.Costing == GivenCost || e.Ref.Kind != protocol.Generation {
		return
	}
	e.Cost, e.Costing = pricing.Cost{}, NoCost
	if e.Usage == (pricing.Usage{}) {
		return
	}
	e.Costing = Unpriced
	if prices == nil {
		return
	}
	at := e.Start
	if at.IsZero() {
		at = e.Seen
	}
	if cost, ok := prices.Cost(e.Model, e.Provider, at, e.Usage); ok {
		e.Cost, e.Costing = cost, Priced
	}
}

// parseCost reads {"input","output","total"}, or a plain number for the total, and
// reports whether there is an amount.
func parseCost(raw []byte) (c pricing.Cost, ok bool) {
	if !isObject(raw) {
		c.Total, ok = amount(raw)
		return c, ok
	}
	hasTotal := false
	for key, value := range wire.Fields(raw) {
		a, given := amount(value)
		switch string(key) {
		case "input":
			c.Input = a
		case "output":
			c.Output = a
		case "total":
			c.Total, hasTotal = a, given
		default:
			continue
		}
		ok = ok || given
	}
	if !hasTotal {
		c.Total = c.Input.Add(c.Output)
	}
	return c, ok
}

// maxAmount limits the cost of one entity, so that sums of thousands of maximal amounts, and
// of any number of plausible ones, are exact.
const maxAmount = 1_000_000 * pricing.Dollar

// amount reads an amount in dollars from a number or a string.
func amount(raw []byte) (pricing.USD, bool) {
	a, ok := pricing.ParseUSD(text(raw))
	if !ok || a > maxAmount || a < -maxAmount {
		return 0, false
	}
	return a, true
}
