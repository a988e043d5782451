package scale

import (
	"time"

	"github.com/troupelog/troupe/bench/internal/client"
	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/report"
	"github.com/troupelog/troupe/bench/internal/workload"
)

// dimension is one thing that grows while the rest of the workload stays.
type dimension struct {
	name   string // of the files
	title  string // of the chart
	axis   string // the growing quantity, with its unit
	linear bool   // the axis is not logarithmic: it begins at 0
	length bool   // the growing quantity is the number of turns
	points []int
	apply  func(p *point, x int)
	extra  []report.Column
}

// point is one run.
type point struct {
	spec    client.Spec
	latency time.Duration
}

// Turns of the dimensions in which they do not grow: enough for a second or two.
const (
	steadyTurns = 50_000
	slowTurns   = 20_000 // where a sink that waits sets the pace
)

// dimensions are all there are, in the order in which they run.
var dimensions = []dimension{
	{
		name: "turns", title: "Cost per turn, by length of the run", axis: "turns", length: true,
		points: []int{1000, 10_000, 100_000, 1_000_000, 10_000_000},
		apply:  func(p *point, x int) { p.spec.Turns = x },
	},
	{
		name: "sessions", title: "Cost per turn, by live sessions", axis: "live sessions, with an open trace each",
		points: []int{10, 100, 1000, 10_000, 100_000},
		apply:  func(p *point, x int) { p.spec.Sessions = x },
		extra: []report.Column{
			{Title: "created in s", Figure: func(f measure.Figures) float64 { return f.CreateSeconds }},
			{Title: "RSS alive MB", Figure: func(f measure.Figures) float64 { return f.LiveMB }},
		},
	},
	{
		name: "producers", title: "Cost per turn, by producers", axis: "goroutines that log at once",
		points: []int{1, 2, 4, 8, 16, 32, 64},
		apply:  func(p *point, x int) { p.spec.Producers = x },
	},
	{
		name: "payload", title: "Cost per turn, by size of the answer", axis: "bytes of the answer, which is on the wire twice",
		points: []int{100, 1000, 10_000, 100_000, 1_000_000},
		apply: func(p *point, x int) {
			p.spec.Turn = workload.New(x)
			p.spec.Turns = min(steadyTurns, max(leastTurns, payloadVolume/(2*x)))
		},
	},
	{
		name: "latency", title: "Cost per turn, by latency of the server", axis: "time the sink waits before an answer, ms", linear: true,
		points: []int{0, 1, 2, 5, 10, 20, 50, 100, 200},
		apply: func(p *point, x int) {
			p.spec.Turns, p.latency = slowTurns, time.Duration(x)*time.Millisecond
		},
	},
}

// With larger answers there are fewer turns.
const (
	payloadVolume = 400 << 20 // bytes of answers, at most
	leastTurns    = 100
)

// at is the run at one point of the dimension.
func (d dimension) at(x int) point {
	p := point{spec: client.Spec{
		Client: "troupe", Turns: steadyTurns, Producers: 1, Turn: workload.New(workload.AnswerBytes),
	}}
	d.apply(&p, x)
	return p
}
