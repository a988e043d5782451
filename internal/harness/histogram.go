package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets of a sixteenth of a power of two, so that it
// takes the same memory however many there are. It may be used concurrently.
type histogram struct {
	buckets [64 * fine]atomic.Int64
	total   atomic.Int64
	longest atomic.Int64
}

const (
	fine     = 16
	fineBits = 4
)

func (h *histogram) add(d time.Duration) {
	n := uint64(max(d, 0))
	h.buckets[bucket(n)].Add(1)
	h.total.Add(1)
	for {
		longest := h.longest.Load()
		if int64(n) <= longest || h.longest.CompareAndSwap(longest, int64(n)) {
			return
		}
	}
}

// bucket returns where a number is counted: by its highest bit and the four below.
func bucket(n uint64) int {
	high := bits.Len64(n)
	if high <= fineBits {
		return int(n)
	}
	shift := high - fineBits - 1
	return (shift+1)*fine + int(n>>shift) - fine
}

// upper returns the largest number that a bucket counts.
func upper(bucket int) int64 {
	if bucket < fine {
		return int64(bucket)
	}
	shift := bucket/fine - 1
	return int64(fine+bucket%fine+1)<<shift - 1
}

// quantiles are some quantiles of durations, each at most a sixteenth too long.
type quantiles struct {
	Count         int64
	P50, P99, Max time.Duration
}

func (h *histogram) quantiles() quantiles {
	q := quantiles{Count: h.total.Load(), Max: time.Duration(h.longest.Load())}
	q.P50, q.P99 = min(h.at(0.50), q.Max), min(h.at(0.99), q.Max)
	return q
}

// at returns a duration that a part of all are not longer than.
func (h *histogram) at(part float64) time.Duration {
	want := int64(part * float64(h.total.Load()))
	seen := int64(0)
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen > want {
			return time.Duration(upper(i))
		}
	}
	return time.Duration(h.longest.Load())
}
