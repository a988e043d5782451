package pricing

import (
	"math"
	"math/bits"
)

// million is the number of tokens that a rate is given for.
const million = 1_000_000

// cost prices a call. It reports false if a used part has neither a rate nor a fallback.
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

// rest is the number of tokens that no part has claimed yet. It is never negative: parts are
// cut to it, so each token is paid once even if the counts contradict each other.
type rest int64

// newRest returns the rest of a whole; a negative count is treated as 0.
func newRest(whole int64) rest { return rest(max(whole, 0)) }

// take claims n tokens, or all that are left if there are fewer, and returns the number.
func (r *rest) take(n int64) int64 {
	n = min(max(n, 0), int64(*r))
	*r -= rest(n)
	return n
}

// bill adds up the parts of one side of a call.
type bill struct {
	sum      USD
	unpriced bool // a part with at least one token has no price
}

// add adds tokens at the rate of the first part that has one. The parts after the first are
// its fallbacks. A part without tokens needs no rate.
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

// times returns the cost of tokens at a, the price of a million; neither may be negative. The
// product is computed in 128 bits, rounded once to the nearest billionth, halves up, and
// limited to the largest USD.
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
