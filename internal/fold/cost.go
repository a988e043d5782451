package fold

import (
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/pricing"
)

// Prices says what model calls cost, false where it does not know. It must give the same
// answer for the same arguments as long as Version gives the same text, and be safe for
// concurrent use. *pricing.Table is one.
type Prices interface {
	Cost(model, provider string, at time.Time, u pricing.Usage) (pricing.Cost, bool)
	Version() string
}

// Costing says where the cost of an entity comes from. The numbers are stored.
type Costing uint8

// What a cost may come from.
const (
	NoCost    Costing = iota // there is nothing to pay that is known of
	GivenCost                // the client says so
	Priced                   // prices say so
	Unpriced                 // no price is known for what was used
)

// Price sets the cost of a generation that used tokens and for which the client gives
// no cost. Nil prices know none.
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

// maxAmount is the largest amount that one entity may cost: sums of thousands of the
// largest, and of any number of plausible ones, are exact.
const maxAmount = 1_000_000 * pricing.Dollar

// amount reads an amount of dollars, also out of a string.
func amount(raw []byte) (pricing.USD, bool) {
	a, ok := pricing.ParseUSD(text(raw))
	if !ok || a > maxAmount || a < -maxAmount {
		return 0, false
	}
	return a, true
}
