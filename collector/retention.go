package collector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	// keepEvery is how often the collector looks for what is to be deleted.
	keepEvery = 5 * time.Minute
	// keepParts is into how many parts of time what is too much is cut: the oldest goes.
	keepParts = 20
)

// ErrKeep is returned by New for a Config whose retention makes no sense.
var ErrKeep = errors.New("collector: Config.KeepFor and Config.KeepBytes must not be negative; 0 keeps for good")

// Forget deletes what was received before a time, in all repositories: lines, what is
// derived from them, and uploads. Numbers that senders used stay used, so that lines which
// are sent again do not come back, and line numbers are never given twice. Roll-ups of the
// overview stay. It works in small transactions beside everything else, and can be called
// again after an error.
func (c *Collector) Forget(ctx context.Context, before time.Time) error {
	cursor, lines, err := c.log.Drop(ctx, before)
	if err != nil {
		return err
	}
	if lines > 0 {
		c.logger.Info("lines were deleted", "lines", lines, "received_before", before.UTC())
	}
	if cursor == 0 {
		return nil
	}
	if _, err := c.index.Forget(ctx, cursor); err != nil {
		return err
	}
	return errors.Join(c.search.Forget(ctx, cursor), c.blobs.forget(before))
}

// LongestWrites is how long others could not write to a file at worst.
type LongestWrites struct {
	Log, Index, Search time.Duration // what added
	Forget             time.Duration // Collector.Forget, in any of them
}

// LongestWrites returns the longest transactions since the call before. Requests that log
// wait for those of the log, and nobody waits for the others.
func (c *Collector) LongestWrites() LongestWrites {
	var w LongestWrites
	for _, f := range []struct {
		file any
		add  *time.Duration
	}{{c.log, &w.Log}, {c.index, &w.Index}, {c.search, &w.Search}} {
		if file, ok := f.file.(interface {
			LongestWrites() (add, forget time.Duration)
		}); ok {
			var forget time.Duration
			*f.add, forget = file.LongestWrites()
			w.Forget = max(w.Forget, forget)
		}
	}
	return w
}

// keep deletes what is too old or too much, until ctx ends.
func (c *Collector) keep(ctx context.Context) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		if err := c.keepOnce(ctx, time.Now()); err != nil && ctx.Err() == nil {
			c.logger.Error("deleting what is old failed, it will be tried again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// keepOnce deletes what is older than KeepFor, and then the oldest parts of what is more
// than KeepBytes.
func (c *Collector) keepOnce(ctx context.Context, now time.Time) error {
	if c.keepFor > 0 {
		if err := c.Forget(ctx, now.Add(-c.keepFor)); err != nil {
			return err
		}
	}
	for range keepParts {
		if c.keepBytes == 0 || bytesOf(c.dir, "*.db*")+bytesOf(blobDir(c.dir), "*") <= c.keepBytes {
			return nil
		}
		oldest, _, err := c.log.Read(ctx, 0, 1)
		if err != nil || len(oldest) == 0 {
			return err
		}
		span := now.Sub(oldest[0].Recv)/keepParts + time.Second
		if err := c.Forget(ctx, oldest[0].Recv.Add(span)); err != nil {
			return err
		}
	}
	return nil
}

// forget removes uploads that were stored before a time.
func (b *blobs) forget(before time.Time) error {
	entries, err := fs.ReadDir(b.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("deleting uploads: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("deleting uploads: %w", err)
		}
		if info.Mode().IsRegular() && info.ModTime().Before(before) {
			if err := b.root.Remove(entry.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("deleting uploads: %w", err)
			}
		}
	}
	return nil
}
