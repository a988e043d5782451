package service

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/store"
)

// searchPeriod is the least time between two steps of a search indexer. Each step writes a
// segment, and many small segments take long to merge.
const searchPeriod = 200 * time.Millisecond

// newStepMutex returns the mutex that is held during a step of any worker, or nil if there
// are enough processors. If workers used all processors, a request would wait up to 10 ms
// for one at each of its stations.
func newStepMutex() *sync.Mutex {
	// With three processors or more, one stays free for requests.
	if runtime.GOMAXPROCS(0) > 2 {
		return nil
	}
	return &sync.Mutex{}
}

// startProjector starts the worker that folds the log of a shard into its index.
func startProjector(s *store.Shard, files store.LargeLogs, steps *sync.Mutex, logger *slog.Logger) *follower {
	f := &follower{
		name: "folding", derived: s.Index, pruner: s.IndexPruner, lease: s.Lease(store.JobProject), shared: s.Shared,
		log: s.Log, steps: steps, logger: logger,
		follow: func(ctx context.Context, faults *project.Faults) (store.Cursor, error) {
			return project.Fold(ctx, s.Log, s.Index, files, faults)
		},
	}
	f.start()
	return f
}

// startSearchIndexer starts the worker that adds the log of a shard to its search.
func startSearchIndexer(s *store.Shard, files store.LargeLogs, steps *sync.Mutex, logger *slog.Logger) *follower {
	f := &follower{
		name: "searching", derived: s.Search, pruner: s.SearchPruner, lease: s.Lease(store.JobSearch), shared: s.Shared,
		log: s.Log, steps: steps, logger: logger, period: searchPeriod,
	}
	f.follow = func(ctx context.Context, faults *project.Faults) (store.Cursor, error) {
		at, recv, err := project.Gather(ctx, s.Log, s.Search, files, faults)
		// A step without lines says nothing about the time.
		if !recv.IsZero() {
			f.recv.Store(recv.UnixMicro())
		}
		return at, err
	}
	f.start()
	return f
}
