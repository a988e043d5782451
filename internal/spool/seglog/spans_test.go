package seglog

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSpansAreASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s spans
		set := map[uint64]bool{}
		number := rapid.Uint64Range(1, 40)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				from, to := number.Draw(t, "from"), number.Draw(t, "to")
				var fresh int64
				for n := from; n <= to; n++ {
					if !set[n] {
						fresh++
					}
					set[n] = true
				}
				if got := s.add(from, to); got != fresh {
					t.Fatalf("add(%d, %d) = %d, want %d", from, to, got, fresh)
				}
			},
			"forget": func(t *rapid.T) {
				to := number.Draw(t, "to")
				s.forget(to)
				for n := range set {
					if n <= to {
						delete(set, n)
					}
				}
			},
			"": func(t *rapid.T) {
				if got := s.count(1, 50); got != int64(len(set)) {
					t.Fatalf("%v has %d numbers, want %d", s, got, len(set))
				}
				for n := range uint64(42) {
					to := n
					for set[to+1] {
						to++
					}
					if got := s.skip(n); got != to {
						t.Fatalf("%v: skip(%d) = %d, want %d", s, n, got, to)
					}
				}
			},
		})
	})
}
