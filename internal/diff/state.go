package diff

import (
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/pricing"
)

// State describes on which sides an element exists and whether the sides are equal.
type State uint8

// States of a compared element.
const (
	Same State = iota
	Changed
	OnlyA
	OnlyB
)

var stateNames = [...]string{"same", "changed", "only A", "only B"}

// String returns the state in words.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// Counts is the number of elements in each state.
type Counts struct {
	Same, Changed, OnlyA, OnlyB int
}

func (c *Counts) add(s State, n int) {
	switch s {
	case Same:
		c.Same += n
	case Changed:
		c.Changed += n
	case OnlyA:
		c.OnlyA += n
	case OnlyB:
		c.OnlyB += n
	}
}

// Different reports whether anything is not the same.
func (c Counts) Different() bool { return c.Changed+c.OnlyA+c.OnlyB > 0 }

// Delta is B minus A. A missing side counts as zero.
type Delta struct {
	Duration time.Duration
	Timed    bool // Duration is known: every side that exists has a start and an end
	Usage    pricing.Usage
	Cost     pricing.Cost
}

// deltaOf returns the difference of two nodes' own figures. Either node may be nil.
func deltaOf(a, b *fold.Node) Delta {
	d := Delta{Timed: true}
	if b != nil {
		d.add(b)
	}
	if a != nil {
		negative := Delta{Timed: true}
		negative.add(a)
		d.Timed = d.Timed && negative.Timed
		d.Duration -= negative.Duration
		d.Usage.Sub(negative.Usage)
		d.Cost.Add(minus(negative.Cost))
	}
	if !d.Timed {
		d.Duration = 0
	}
	return d
}

func (d *Delta) add(n *fold.Node) {
	if n.Start.IsZero() || n.End.Before(n.Start) {
		d.Timed = false
	} else {
		d.Duration += n.End.Sub(n.Start)
	}
	d.Usage.Add(n.Usage)
	d.Cost.Add(n.Cost)
}

func minus(c pricing.Cost) pricing.Cost {
	return pricing.Cost{Input: -c.Input, Output: -c.Output, Total: -c.Total}
}
