package pricing

import (
	"math"
	"math/bits"
)

// million is what the rates are for.
const million = 1_000_000

// cost prices a call, and reports false where a part of it has no price.
func (r Rates) cost(u Usage) (Cost, bool) {
	input, output := newRest(u.Input), newRest(u.Output)
	read, write, audioIn := input.take(u.CacheRead), input.take(u.CacheWrite), input.take(u.AudioInput)
	audioOut, thought := output.take(u.AudioOutput), output.take(u.Reasoning)

	var in, out bill
	in.add(r, read, CacheRead, Input)
	in.add(r, write, CacheWrite, Input)
	in.add(r, audioIn, AudioInput)
	in.add(r, int64(input), Input)
	out.add(r, audioOut, AudioOutput)
	out.add(r, thought, Reasoning, Output)
	out.add(r, int64(output), Output)
	if in.unpriced || out.unpriced {
		return Cost{}, false
	}
	return Cost{Input: in.sum, Output: out.sum, Total: in.sum.Add(out.sum)}, true
}

// rest is what parts were not yet taken from.
type rest int64

func newRest(whole int64) rest { return rest(max(whole, 0)) }

// take returns n, or what is left where that is less.
func (r *rest) take(n int64) int64 {
	n = min(max(n, 0), int64(*r))
	*r -= rest(n)
	return n
}

// bill adds up parts.
type bill struct {
	sum      USD
	unpriced bool // a part with tokens has no price
}

// add adds tokens at the price of the first of the parts that has one.
func (b *bill) add(r Rates, tokens int64, parts ...Part) {
	if tokens == 0 {
		return
	}
	for _, part := range parts {
		if rate, ok := r[part]; ok {
			b.sum = b.sum.Add(rate.times(tokens))
			return
		}
	}
	b.unpriced = true
}

// times returns what so many tokens cost at a, the price of a million; both are at least
// zero. It is rounded to the nearest billionth, halves up, and at most the largest USD.
func (a USD) times(tokens int64) USD {
	hi, lo := bits.Mul64(uint64(a), uint64(tokens))
	lo, carry := bits.Add64(lo, million/2, 0)
	hi += carry
	if hi >= million {
		return math.MaxInt64
	}
	n, _ := bits.Div64(hi, lo, million)
	return USD(min(n, math.MaxInt64))
}
