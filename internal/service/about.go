package service

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// Counters count requests since the start, for the pages and the metrics. The front ends
// count their requests here. They are safe for concurrent use.
type Counters struct {
	Requests, Unauthorized         atomic.Uint64
	Accepted, Duplicates, Rejected atomic.Uint64 // lines
	Uploaded                       atomic.Uint64 // bytes
	lastRejected                   atomic.Pointer[string]
}

// Answered counts the lines of a successful request that were not stored: duplicates, and
// refused lines with the reason of one of them.
func (c *Counters) Answered(duplicates, refused int, reason string) {
	c.Duplicates.Add(uint64(duplicates))
	c.Rejected.Add(uint64(refused))
	if reason != "" {
		c.lastRejected.Store(&reason)
	}
}

// Counters returns the counters of this process.
func (s *Service) Counters() *Counters { return &s.counters }

// address is where clients reach the collector.
type address struct {
	url   string
	keyed bool
}

// Announce sets the URL at which clients reach the collector and whether they need an API
// key. About and Address report both.
func (s *Service) Announce(url string, keyed bool) { s.address.Store(&address{url, keyed}) }

// Address returns the announced URL, or "" if there is none.
func (s *Service) Address() string {
	if a := s.address.Load(); a != nil {
		return a.url
	}
	return ""
}

// Prices returns the price table, or nil if there is none.
func (s *Service) Prices() *pricing.Table { return s.cfg.Prices }

// About describes a collector and its storage.
type About struct {
	Version                                      string
	Dir                                          string // where everything is stored
	Address                                      string // for clients, such as http://127.0.0.1:4180; "" if unknown
	Keyed                                        bool   // clients need an API key
	Started                                      time.Time
	LogBytes, IndexBytes, SearchBytes, FileBytes int64         // without free pages and journals
	KeepFor                                      time.Duration // 0 means no limit
	KeepBytes                                    int64         // 0 means no limit
	Forgotten                                    time.Time     // everything received before was deleted; zero if nothing was
	// Requests, Unauthorized and Rejected count log requests, requests with a wrong API key,
	// and malformed lines since the start. LastRejected is the reason of the last refusal.
	Requests, Unauthorized, Rejected uint64
	LastRejected                     string
	// Behind and Unsearched count the stored blocks that are not in the index and in the
	// search yet.
	Behind, Unsearched int64
	SearchedTo         time.Time // reception of the newest line that can be found; zero if unknown
}

// About describes the collector as it is now. Fields whose source fails stay zero.
func (s *Service) About(ctx context.Context) About {
	a := About{
		Version: "(unknown)", Dir: s.cfg.Location, Started: s.started, KeepFor: s.cfg.KeepFor, KeepBytes: s.cfg.KeepBytes,
		Requests: s.counters.Requests.Load(), Unauthorized: s.counters.Unauthorized.Load(), Rejected: s.counters.Rejected.Load(),
	}
	if at := s.address.Load(); at != nil {
		a.Address, a.Keyed = at.url, at.keyed
	}
	// A program built outside a module has no version.
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		a.Version = info.Main.Version
	}
	if reason := s.counters.lastRejected.Load(); reason != nil {
		a.LastRejected = *reason
	}
	for _, h := range s.shards {
		a.add(ctx, h)
	}
	_ = s.files.Oldest(ctx, func(_ time.Time, bytes int64) bool { // unreadable files count as 0 bytes
		a.FileBytes += bytes
		return true
	})
	return a
}

// add adds one shard.
func (a *About) add(ctx context.Context, h *shard) {
	// A size that cannot be measured counts as 0: the page is still useful.
	for _, part := range []struct {
		store.Space
		bytes *int64
	}{{h.Retention, &a.LogBytes}, {h.IndexPruner, &a.IndexBytes}, {h.SearchPruner, &a.SearchBytes}} {
		if size, err := part.Size(ctx); err == nil {
			*part.bytes += size
		}
	}
	// The latest time of all shards: data of any of them may be gone.
	if _, before, err := h.Retention.Dropped(ctx); err == nil && before.After(a.Forgotten) {
		a.Forgotten = before
	}
	if behind, err := h.projector.behind(ctx); err == nil {
		a.Behind += behind
	}
	if behind, err := h.searchIndexer.behind(ctx); err == nil {
		a.Unsearched += behind
	}
	if recv := h.searchIndexer.recv.Load(); recv > 0 {
		if to := time.UnixMicro(recv).UTC(); to.After(a.SearchedTo) {
			a.SearchedTo = to
		}
	}
}
