// Package report turns the figures of many runs into tables.
package report

import (
	"slices"

	"github.com/troupelog/troupe/bench/internal/measure"
)

// Spread is a figure over the rounds.
type Spread struct{ Median, Min, Max float64 }

// SpreadOf returns the spread of one value or more. The median of an even number of
// values is the mean of the two in the middle.
func SpreadOf(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// Runs is the figures of all rounds of one client.
type Runs []measure.Figures

// Spread returns the spread of one figure over the runs.
func (r Runs) Spread(figure func(measure.Figures) float64) Spread {
	values := make([]float64, len(r))
	for i, f := range r {
		values[i] = figure(f)
	}
	return SpreadOf(values)
}

// Lossless reports whether every entry of every run was counted exactly once.
func (r Runs) Lossless() bool {
	return !slices.ContainsFunc(r, func(f measure.Figures) bool { return f.Counted != f.Expected })
}
