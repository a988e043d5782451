// Package measure times calls and reads the resource use of a process.
package measure

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	longestCall = int64(5 * time.Minute) // in nanoseconds, longer ones count as that
	digits      = 3                      // significant ones of the histogram
)

// Meter times single calls. It belongs to one goroutine.
type Meter struct {
	calls *hdrhistogram.Histogram // nanoseconds
	total time.Duration
	began time.Time
}

// NewMeter returns a meter without calls.
func NewMeter() *Meter { return &Meter{calls: hdrhistogram.New(1, longestCall, digits)} }

// Begin starts the clock of a call.
func (m *Meter) Begin() { m.began = time.Now() }

// End stops the clock and counts the call.
func (m *Meter) End() {
	d := time.Since(m.began)
	m.total += d
	if err := m.calls.RecordValue(min(int64(d), longestCall)); err != nil {
		panic(err) // it refuses only values outside its range
	}
}

// Merge adds the calls of another meter.
func (m *Meter) Merge(other *Meter) {
	m.total += other.total
	m.calls.Merge(other.calls)
}

// Total is the time inside all calls.
func (m *Meter) Total() time.Duration { return m.total }

// Quantile is the longest of the fastest share of the calls, for a share of 0 to 1.
func (m *Meter) Quantile(share float64) time.Duration {
	return time.Duration(m.calls.ValueAtQuantile(share * 100))
}

// TimerOverhead is the time that Begin and End add to a call, as the mean over many
// empty calls. It is in the figures of every client and is not subtracted.
func TimerOverhead() time.Duration {
	const calls = 20_000
	m := NewMeter()
	for range calls {
		m.Begin()
		m.End()
	}
	return m.Total() / calls
}
