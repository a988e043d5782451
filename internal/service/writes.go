package service

import "time"

// LongestWrites holds how long a writer kept other writers of the same file waiting. It is for
// measurements: a long time in Log delays log requests.
type LongestWrites struct {
	Log, Index, Search time.Duration // adding to a store
	Prune              time.Duration // deleting from any of them
}

// LongestWrites returns the longest transactions since the previous call, zero for stores
// that do not measure them. Log requests wait for writes to the log only.
func (s *Service) LongestWrites() (w LongestWrites) {
	for _, h := range s.shards {
		for _, part := range []struct {
			store any
			add   *time.Duration
		}{{h.Log, &w.Log}, {h.Index, &w.Index}, {h.Search, &w.Search}} {
			if measured, ok := part.store.(interface {
				LongestWrites() (add, prune time.Duration)
			}); ok {
				add, prune := measured.LongestWrites()
				*part.add, w.Prune = max(*part.add, add), max(w.Prune, prune)
			}
		}
	}
	return w
}
