package report

import (
	"fmt"
	"strings"

	"github.com/troupelog/troupe/bench/internal/measure"
)

// Ratios returns the line that compares Troupe with its peers: ratios of medians. The
// parts of clients that did not run are left out.
func Ratios(results []Result) string {
	byName := make(map[string]Runs)
	for _, r := range results {
		byName[r.Name] = r.Runs
	}
	line := "ratio"
	for _, part := range []struct {
		name, peer string
		figure     func(measure.Figures) float64
	}{
		{"turns/s", "otel-blocking", func(f measure.Figures) float64 { return f.TurnsPerSecond }},
		{"caller", "otel-default", func(f measure.Figures) float64 { return f.Caller }},
		{"cpu", "otel-blocking", func(f measure.Figures) float64 { return f.CPU }},
	} {
		own, peer := byName["troupe"], byName[part.peer]
		if len(own) == 0 || len(peer) == 0 {
			continue
		}
		ratio := own.Spread(part.figure).Median / peer.Spread(part.figure).Median
		line += fmt.Sprintf(" %s troupe/%s = %.2f ", part.name, part.peer, ratio)
	}
	return strings.TrimRight(line, " ")
}
