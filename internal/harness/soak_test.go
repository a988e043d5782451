package main

import (
	"math"
	"testing"
)

func TestFit(t *testing.T) {
	var x, y, noisy []float64
	rnd := seeded(1)
	for i := range 1000 {
		x = append(x, float64(i))
		y = append(y, 3+2*float64(i))
		noisy = append(noisy, 3+2*float64(i)+rnd.NormFloat64())
	}
	if slope, margin := fit(x, y); math.Abs(slope-2) > 1e-9 || margin > 1e-9 {
		t.Errorf("a line: %v±%v, want 2±0", slope, margin)
	}
	if slope, margin := fit(x, noisy); math.Abs(slope-2) > 2*margin || margin > 0.001 {
		t.Errorf("with noise: %v±%v", slope, margin)
	}
	if _, margin := fit(x[:2], y[:2]); !math.IsInf(margin, 1) {
		t.Errorf("two points: ±%v", margin)
	}
}
