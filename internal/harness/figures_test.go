package main

import (
	"math"
	"testing"
	"time"
)

func TestFiguresNameMissedBounds(t *testing.T) {
	f := &figures{}
	f.note("a", "x")
	f.exactly("b", 1, 1)
	f.atMost("c", 2, 2)
	f.within("d", time.Second, time.Second)
	if got := f.String(); !f.good() || got != "a=x b=1 c=2 d_s=1 ok" {
		t.Errorf("%q", got)
	}
	for want, add := range map[string]func(*figures){
		"b=1 MISSED: b=1, want 0":                func(f *figures) { f.exactly("b", 1, 0) },
		"c=3 MISSED: c=3, want at most 2":        func(f *figures) { f.atMost("c", 3, 2) },
		"c=NaN MISSED: c=NaN, want at most 2":    func(f *figures) { f.atMost("c", math.NaN(), 2) },
		"d_s=2 MISSED: d_s=2, want at most 1":    func(f *figures) { f.within("d", 2*time.Second, time.Second) },
		" MISSED: something else happened twice": func(f *figures) { f.miss("something else happened %s", "twice") },
	} {
		f := &figures{}
		if add(f); f.good() || f.String() != want {
			t.Errorf("%q, want %q", f, want)
		}
	}
}
