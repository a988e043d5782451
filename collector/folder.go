package collector

import (
	"context"
	"log/slog"
	"sync"

	"github.com/troupelog/troupe/internal/project"
	"github.com/troupelog/troupe/internal/store"
)

// startFolder starts what folds the log into the index. Stop it.
func startFolder(log store.Log, index store.Index, blobs store.Blobs, turns *sync.Mutex, logger *slog.Logger) *follower {
	f := &follower{
		name: "folding", reset: index.Reset, derived: index, log: log, turns: turns, logger: logger,
		follow: func(ctx context.Context, faults *project.Faults) (store.Cursor, error) {
			return project.Fold(ctx, log, index, blobs, faults)
		},
	}
	f.start()
	return f
}
