package measure_test

import (
	"testing"
	"time"

	"github.com/troupelog/troupe/bench/internal/measure"
)

func TestMetersMergeTheirCalls(t *testing.T) {
	all, other := measure.NewMeter(), measure.NewMeter()
	for _, m := range []*measure.Meter{all, other, other} {
		m.Begin()
		m.End()
	}
	one, two := all.Total(), other.Total()
	all.Merge(other)
	if all.Total() != one+two {
		t.Errorf("the total of both is %s, want %s", all.Total(), one+two)
	}
	if least, most := all.Quantile(0), all.Quantile(1); least > most || most <= 0 {
		t.Errorf("calls took %s to %s", least, most)
	}
}

func TestMemoryHasAPeakAboveItself(t *testing.T) {
	now, peak, err := measure.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if now <= 0 || peak < now {
		t.Errorf("%d bytes now and %d at the highest", now, peak)
	}
}

func TestCPUGrowsWithWork(t *testing.T) {
	before, err := measure.CPU()
	if err != nil {
		t.Fatal(err)
	}
	// The clock of the system may be coarse: work until it has moved, or for long.
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		after, err := measure.CPU()
		if err != nil {
			t.Fatal(err)
		}
		if after > before {
			return
		}
	}
	t.Error("ten seconds of work took no processor time")
}

func TestLostIsTheShareThatIsMissing(t *testing.T) {
	for _, test := range []struct {
		expected, counted int64
		want              float64
	}{{200, 50, 75}, {10, 10, 0}, {10, 11, -10}, {0, 0, 0}} {
		if got := (measure.Figures{Expected: test.expected, Counted: test.counted}).Lost(); got != test.want {
			t.Errorf("%d of %d: lost %v %%, want %v", test.counted, test.expected, got, test.want)
		}
	}
}
