package service

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// Config configures a Service. Store is required.
type Config struct {
	// Store is the storage. The Service closes it.
	Store store.Cluster
	// Location names the storage for people: a folder. About reports it.
	Location string
	// Prices is the table that the index was opened with. About reports its version.
	Prices *pricing.Table
	// KeepFor limits the age of lines and uploads, counted from their reception, and
	// KeepBytes the size of the storage. 0 means no limit; neither may be negative.
	KeepFor   time.Duration
	KeepBytes int64
	// Logger receives background failures, never lines or keys. Required.
	Logger *slog.Logger
}

// Service is a collector without HTTP. Make one with New. Its methods are safe for concurrent
// use. Fields without a note are immutable after New.
type Service struct {
	cfg     Config
	store   store.Cluster
	files   store.Files
	logger  *slog.Logger
	started time.Time
	secrets [][]byte // from which Keys derives

	// shards wrap the shards of store, in its order, and byStore finds one of them.
	shards  []*shard
	byStore map[*store.Shard]*shard

	// These guard themselves.
	counters Counters
	metrics  *metrics
	ready    readiness
	address  atomic.Pointer[address] // nil until Announce

	// stopPruning ends the pruning goroutine, which then closes pruned.
	stopPruning context.CancelFunc
	pruned      chan struct{}
	// untrimmed is set while deleted data is still in a file.
	untrimmed atomic.Bool
	// finished is set once the Prune that the last process began is complete. It is owned by
	// the pruning goroutine.
	finished bool

	closing sync.Once
	failure error // of Close, written within closing
}

// shard is a store.Shard with the workers that keep its index and its search up to date.
type shard struct {
	*store.Shard
	projector     *follower
	searchIndexer *follower
}

// ErrKeep is returned by New for a negative retention limit.
var ErrKeep = errors.New("collector: Config.KeepFor and Config.KeepBytes must not be negative; 0 means no limit")

// New starts the workers of a service. On failure it leaves cfg.Store open.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.KeepFor < 0 || cfg.KeepBytes < 0 {
		return nil, ErrKeep
	}
	secrets, err := cfg.Store.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, store: cfg.Store, files: cfg.Store.Files(), byStore: map[*store.Shard]*shard{}, logger: cfg.Logger,
		started: time.Now(), secrets: secrets, pruned: make(chan struct{}),
	}
	// One mutex for all shards: it limits the load on the processors, not access to data.
	steps := newStepMutex()
	for _, stored := range cfg.Store.Shards() {
		h := &shard{stored, startProjector(stored, s.files, steps, s.logger), startSearchIndexer(stored, s.files, steps, s.logger)}
		s.shards = append(s.shards, h)
		s.byStore[stored] = h
	}
	// The gauges read the shards, which must be complete.
	s.metrics = newMetrics(s)
	pruning, stop := context.WithCancel(context.Background())
	s.stopPruning = stop
	go func() {
		defer close(s.pruned)
		s.keepPruning(pruning)
	}()
	return s, nil
}

// at returns the shard that holds a repository. Repositories come into existence with their
// first line; asking for one that does not exist is no error, and its lists are empty.
func (s *Service) at(ctx context.Context, repo string) (*shard, error) {
	// The cluster decides; it may spread repositories by name or by a table.
	stored, err := s.store.Shard(ctx, repo)
	if err != nil {
		return nil, err
	}
	return s.byStore[stored], nil
}

// Keys returns the keys for a purpose, derived from the secrets of the cluster. All
// collectors of a cluster derive the same keys, and keys survive a restart.
func (s *Service) Keys(purpose string) Keys { return deriveKeys(s.secrets, purpose) }

// Registry returns the metrics of the service. Others may add their own.
func (s *Service) Registry() *prometheus.Registry { return s.metrics.registry }

// Close stops the workers, waits for steps under way until ctx ends, and closes the store.
// Calls made afterwards fail with store.ErrClosed. Lines that are stored but not indexed
// are indexed after the next New. A second Close returns the result of the first.
func (s *Service) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.stopPruning()
		select {
		case <-s.pruned:
		case <-ctx.Done():
		}
		// Probes write to the store, which must not be closed under them.
		s.ready.close(ctx)
		var errs []error
		for _, h := range s.shards {
			errs = append(errs, h.projector.stop(ctx), h.searchIndexer.stop(ctx), h.Lease(store.JobPrune).Release(ctx))
		}
		s.failure = errors.Join(append(errs, s.store.Close())...)
	})
	return s.failure
}
