package chaos

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Fault is what happens to a request.
type Fault uint8

// The faults.
const (
	// None lets the request through.
	None Fault = iota
	// Refuse answers 500, 502 or 503; the request is not processed.
	Refuse
	// Throttle answers 429 with Retry-After: 1; the request is not processed.
	Throttle
	// ResetBefore resets the connection; the request is not processed.
	ResetBefore
	// ResetAfter processes the request and resets the connection instead of an answer.
	ResetAfter
	// HalfAnswer processes the request and breaks off within the answer.
	HalfAnswer
	// Slow waits up to 200 ms and then lets the request through.
	Slow
	// Stall takes the request and never answers; it is not processed.
	Stall
	// Trickle takes the body at 100 KiB/s and never answers.
	Trickle
)

// slowest is how long Slow waits at most.
const slowest = 200 * time.Millisecond

// Mix gives the probability of each fault; what is left to 1 is that of None.
type Mix map[Fault]float64

// draw returns a fault.
func (m Mix) draw(rnd *rand.Rand) Fault {
	at := rnd.Float64()
	for _, fault := range m.faults() {
		if at -= m[fault]; at < 0 {
			return fault
		}
	}
	return None
}

// faults returns the faults of a mix in their order, so that a seed means something.
func (m Mix) faults() []Fault {
	var all []Fault
	for fault := range m {
		all = append(all, fault)
	}
	slices.Sort(all)
	return all
}
