package collector

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/store"
)

// searchPeriod gathers lines that come one by one: each step writes a segment, and many
// small ones are merged for long.
const searchPeriod = 200 * time.Millisecond

// searcher makes what the log holds searchable, beside folding.
type searcher struct {
	follower
}

// startSearcher starts what adds the log to the search. Stop it.
func startSearcher(log store.Log, search store.Search, blobs store.Blobs, turns *sync.Mutex, logger *slog.Logger) *searcher {
	s := &searcher{follower{
		name: "searching", reset: search.Reset, derived: search, log: log, turns: turns, logger: logger, period: searchPeriod,
	}}
	s.follow = func(ctx context.Context, faults *project.Faults) (store.Cursor, error) {
		at, recv, err := project.Gather(ctx, log, search, blobs, faults)
		if !recv.IsZero() {
			s.recv.Store(recv.UnixMicro())
		}
		return at, err
	}
	s.start()
	return s
}

// progress says how many blocks are stored and cannot be found yet, and when the last
// line that can be was received: zero if nothing can be found, or nothing was read since
// the start.
func (s *searcher) progress(ctx context.Context) (behind int64, to time.Time, err error) {
	head, err := s.log.Head(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	if recv := s.recv.Load(); recv > 0 {
		to = time.UnixMicro(recv).UTC()
	}
	return max(0, int64(head-s.cursor())), to, nil
}
