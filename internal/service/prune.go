package service

import (
	"context"
	"errors"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

const (
	// pruneEvery is the time between two looks at the retention limits. After a slow look
	// the pause is pruneRest times as long as the look, if that is longer: measuring a large
	// store takes seconds.
	pruneEvery = 5 * time.Minute
	pruneRest  = 20
	// trimAgain is the time after which trimming is tried again that a reader prevented.
	trimAgain = 10 * time.Second
)

// Prune deletes everything received before a time, in all repositories: lines, data derived
// from them, and uploads. Sequence numbers of senders stay used, so deleted lines that are
// sent again do not come back, and line numbers are never given twice. Roll-ups stay, and so
// does the index entry of a trace or session with lines that are kept. When Prune returns,
// the files hold none of the deleted data; if a long query still reads some of it, the log
// reports that and the data goes soon after the query. Prune works in small transactions
// beside everything else. After an error it can be called again.
func (s *Service) Prune(ctx context.Context, before time.Time) error {
	for _, h := range s.shards {
		cursor, lines, err := h.Retention.Drop(ctx, before)
		if err != nil {
			return err
		}
		if lines > 0 {
			s.logger.Info("lines were deleted", "shard", h.Name, "lines", lines, "received_before", before.UTC())
		}
		if err := h.pruneDerived(ctx, cursor); err != nil {
			return err
		}
	}
	return s.pruneFiles(ctx, before)
}

// pruneDerived deletes the data derived from lines up to a cursor. Prune calls it even if it
// dropped no lines: the last process may have been killed between the two.
func (h *shard) pruneDerived(ctx context.Context, cursor store.Cursor) error {
	if cursor == 0 {
		return nil
	}
	// Steps under way may have read lines before they were dropped.
	h.projector.finishStep()
	h.searchIndexer.finishStep()
	if err := h.IndexPruner.Prune(ctx, cursor); err != nil {
		return err
	}
	return h.SearchPruner.Prune(ctx, cursor)
}

// pruneFiles deletes the uploads that were stored before a time, and shrinks all files.
func (s *Service) pruneFiles(ctx context.Context, before time.Time) error {
	// Uploads come last. A line whose upload is gone has no effect, but an upload whose line is
	// gone would never be found again.
	if err := s.files.Prune(ctx, before); err != nil {
		return err
	}
	err := s.trim(ctx)
	if !errors.Is(err, store.ErrBusy) {
		return err
	}
	s.logger.Warn("deleted data is still in a file", "error", err, "again_in", trimAgain)
	return nil
}

// trim removes deleted data from the files. It fails with store.ErrBusy while a reader holds
// some of it; the pruning goroutine then tries again.
func (s *Service) trim(ctx context.Context) error {
	var errs []error
	for _, h := range s.shards {
		errs = append(errs, h.Retention.Trim(ctx), h.IndexPruner.Trim(ctx), h.SearchPruner.Trim(ctx))
	}
	err := errors.Join(errs...)
	s.untrimmed.Store(err != nil)
	return err
}

// keepPruning enforces the retention limits until ctx ends. Between two looks it repeats the
// trimming that a reader prevented.
func (s *Service) keepPruning(ctx context.Context) {
	// The first look comes at once, before the first tick: limits may have changed at the start.
	look, again := time.NewTicker(pruneEvery), time.NewTicker(trimAgain)
	defer look.Stop()
	defer again.Stop()
	for {
		began := time.Now()
		err := s.enforce(ctx, began)
		if err != nil && ctx.Err() == nil {
			s.logger.Error("deleting old data failed; will be tried again", "error", err)
		}
		look.Reset(max(pruneEvery, pruneRest*time.Since(began)))
		for waiting := true; waiting; {
			select {
			case <-again.C:
				s.mend(ctx)
			case <-look.C:
				waiting = false
			case <-ctx.Done():
				return
			}
		}
	}
}

// enforce completes an interrupted Prune and enforces the retention limits, which apply to all
// shards together. It does nothing if another process holds the lease for any shard.
func (s *Service) enforce(ctx context.Context, now time.Time) error {
	for _, h := range s.shards {
		if held, err := h.Lease(store.JobPrune).Hold(ctx); err != nil || !held {
			return err
		}
	}
	if err := s.resumePrune(ctx); err != nil {
		return err
	}
	return s.pruneOnce(ctx, now)
}

// mend wakes the workers whose files a reader found damaged, and repeats the trimming that a
// reader prevented.
func (s *Service) mend(ctx context.Context) {
	for _, h := range s.shards {
		if h.IndexPruner.Damaged() {
			h.projector.notify()
		}
		if h.SearchPruner.Damaged() {
			h.searchIndexer.notify()
		}
	}
	if !s.untrimmed.Load() {
		return
	}
	if err := s.trim(ctx); err != nil && !errors.Is(err, store.ErrBusy) && ctx.Err() == nil {
		s.logger.Error("shrinking the files failed; will be tried again", "error", err)
	}
}

// resumePrune completes a Prune that was interrupted after the log had dropped its lines.
// Without it, the data derived from them would count against KeepBytes.
func (s *Service) resumePrune(ctx context.Context) error {
	if s.finished {
		return nil
	}
	// Without dropped lines there is nothing to resume, and before stays zero.
	var before time.Time
	for _, h := range s.shards {
		cursor, until, err := h.Retention.Dropped(ctx)
		if err == nil {
			err = h.pruneDerived(ctx, cursor)
		}
		if err != nil {
			return err
		}
		if until.After(before) {
			before = until
		}
	}
	if !before.IsZero() {
		if err := s.pruneFiles(ctx, before); err != nil {
			return err
		}
	}
	s.finished = true
	return nil
}

// pruneOnce deletes data older than KeepFor, and then the oldest data until the rest fits into
// KeepBytes.
func (s *Service) pruneOnce(ctx context.Context, now time.Time) error {
	if s.cfg.KeepFor > 0 {
		if err := s.Prune(ctx, now.Add(-s.cfg.KeepFor)); err != nil {
			return err
		}
	}
	if s.cfg.KeepBytes > 0 {
		return s.pruneTo(ctx, s.cfg.KeepBytes)
	}
	return nil
}
