package plot

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// decades labels the powers of ten of a logarithmic axis, and marks the whole multiples
// between them.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(least, most float64) []plot.Tick {
	var ticks []plot.Tick
	for power := decade(least); power <= most; power *= 10 {
		for i := 1; i < 10; i++ {
			tick := plot.Tick{Value: power * float64(i)}
			if tick.Value < least || tick.Value > most {
				continue
			}
			if i == 1 {
				tick.Label = short(power)
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// decade is the nearest power of ten that is not above x.
func decade(x float64) float64 { return math.Pow(10, math.Floor(math.Log10(x))) }

// short writes a power of ten: 0.1, 10, 1k, 100k, 1M.
func short(x float64) string {
	switch {
	case x >= 1e6:
		return strconv.FormatFloat(x/1e6, 'f', -1, 64) + "M"
	case x >= 1e3:
		return strconv.FormatFloat(x/1e3, 'f', -1, 64) + "k"
	default:
		return strconv.FormatFloat(x, 'g', 6, 64)
	}
}
