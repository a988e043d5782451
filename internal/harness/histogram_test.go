package main

import (
	"testing"
	"time"
)

func TestHistogramIsASixteenthTooLongAtMost(t *testing.T) {
	h := &histogram{}
	for i := range 10_000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	q := h.quantiles()
	for _, c := range []struct{ got, want time.Duration }{{q.P50, 5 * time.Millisecond}, {q.P99, 9900 * time.Microsecond}, {q.Max, 10 * time.Millisecond}} {
		if c.got < c.want-2*time.Microsecond || c.got > c.want+c.want/16 {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
	if q.Count != 10_000 {
		t.Errorf("%d counted", q.Count)
	}
	for n := uint64(1); n < 1<<62; n += n/4 + 1 {
		if at := bucket(n); upper(at) < int64(n) || at > 0 && upper(at-1) >= int64(n) {
			t.Fatalf("%d is in bucket %d, which ends at %d", n, at, upper(at))
		}
	}
}
