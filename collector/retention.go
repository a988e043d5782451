package collector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

const (
	// keepEvery is how often the collector looks for what is to be deleted, and keepRest how
	// many times as long as that took it waits at least: a large store takes seconds.
	keepEvery = 5 * time.Minute
	keepRest  = 20
	// trimAgain is after how long trimming is tried again that a reader held up.
	trimAgain = 10 * time.Second
	// exactPart is the part of KeepBytes that may be deleted at once by an estimate: what is
	// more is approached from above.
	exactPart = 20
)

// ErrKeep is returned by New for a Config whose retention makes no sense.
var ErrKeep = errors.New("collector: Config.KeepFor and Config.KeepBytes must not be negative; 0 keeps for good")

// Forget deletes what was received before a time, in all repositories: lines, what is
// derived from them, and uploads. Numbers that senders used stay used, so that lines which
// are sent again do not come back, and line numbers are never given twice. Roll-ups of the
// overview stay, and so does what the index says of a trace or session of which later lines
// are kept. When it returns, nothing of what was deleted is left in the files; where a long
// query still reads some of it, the collector's log says so and it goes soon after that
// query. It works in small transactions beside everything else, and can be called again
// after an error.
func (c *Collector) Forget(ctx context.Context, before time.Time) error {
	cursor, lines, err := c.log.Drop(ctx, before)
	if err != nil {
		return err
	}
	if lines > 0 {
		c.logger.Info("lines were deleted", "lines", lines, "received_before", before.UTC())
	}
	return c.forgetDerived(ctx, cursor, before)
}

// forgetDerived deletes what is derived from lines that the log dropped, up to a cursor, and
// the uploads that were stored before a time, and makes the files smaller.
func (c *Collector) forgetDerived(ctx context.Context, cursor store.Cursor, before time.Time) error {
	if cursor > 0 {
		// Always, not only when this call dropped lines: the process before may have been
		// killed after it did.
		if err := c.removeAside(); err != nil {
			return err
		}
		// Steps under way may have read lines before they were dropped.
		c.folder.finishStep()
		c.seeker.finishStep()
		if _, err := c.index.Forget(ctx, cursor); err != nil {
			return err
		}
		if err := c.search.Forget(ctx, cursor); err != nil {
			return err
		}
	}
	if err := c.blobs.forget(before); err != nil {
		return err
	}
	err := c.trim(ctx)
	if !errors.Is(err, store.ErrBusy) {
		return err
	}
	c.logger.Warn("what was deleted is still in a file", "error", err, "again_in", trimAgain)
	return nil
}

// trim takes what was deleted out of the files. It fails with store.ErrBusy while a reader
// holds some of it; the goroutine that runs keep then tries again.
func (c *Collector) trim(ctx context.Context) error {
	err := errors.Join(c.log.Trim(ctx), c.index.Trim(ctx), c.search.Trim(ctx))
	c.untrimmed.Store(err != nil)
	return err
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

// keep deletes what is too old or too much, until ctx ends, and finishes what a reader
// kept Forget from.
func (c *Collector) keep(ctx context.Context) {
	look, again := time.NewTicker(keepEvery), time.NewTicker(trimAgain)
	defer look.Stop()
	defer again.Stop()
	for {
		began := time.Now()
		err := c.finishForget(ctx)
		if err == nil {
			err = c.keepOnce(ctx, began)
		}
		if err != nil && ctx.Err() == nil {
			c.logger.Error("deleting what is old failed, it will be tried again", "error", err)
		}
		look.Reset(max(keepEvery, keepRest*time.Since(began)))
		for waiting := true; waiting; {
			select {
			case <-again.C:
				c.wakeToRenew()
				if c.untrimmed.Load() {
					if err := c.trim(ctx); err != nil && !errors.Is(err, store.ErrBusy) && ctx.Err() == nil {
						c.logger.Error("making the files smaller failed, it will be tried again", "error", err)
					}
				}
			case <-look.C:
				waiting = false
			case <-ctx.Done():
				return
			}
		}
	}
}

// wakeToRenew wakes who builds what is damaged anew: a reader may have found that out.
func (c *Collector) wakeToRenew() {
	if c.index.Damaged() {
		c.folder.notify()
	}
	if c.search.Damaged() {
		c.seeker.notify()
	}
}

// finishForget goes on with a Forget that was interrupted when the log had dropped its lines:
// what is derived from them is still there, and would count as too much.
func (c *Collector) finishForget(ctx context.Context) error {
	if c.finished {
		return nil
	}
	cursor, before, err := c.log.Dropped(ctx)
	if err == nil && cursor > 0 {
		err = c.forgetDerived(ctx, cursor, before)
	}
	c.finished = err == nil
	return err
}

// keepOnce deletes what is older than KeepFor, and then the oldest of what is more than
// KeepBytes.
func (c *Collector) keepOnce(ctx context.Context, now time.Time) error {
	if c.keepFor > 0 {
		if err := c.Forget(ctx, now.Add(-c.keepFor)); err != nil {
			return err
		}
	}
	if c.keepBytes > 0 {
		return c.keepWithin(ctx, c.keepBytes)
	}
	return nil
}

// keepWithin deletes the oldest of what is more than so many bytes.
func (c *Collector) keepWithin(ctx context.Context, bytes int64) error {
	for {
		held, err := c.held(ctx)
		if err != nil {
			return err
		}
		excess := held.total() - bytes
		if excess <= 0 {
			return nil
		}
		before, err := c.cut(ctx, held, due(excess, bytes))
		if err != nil || before.IsZero() {
			return err
		}
		if err := c.Forget(ctx, before); err != nil {
			return err
		}
	}
}

// due returns how much to delete by an estimate where so much is too much: never much more
// than is needed, however wrong the estimate is.
func due(excess, keep int64) int64 {
	if exact := keep / exactPart; excess > exact {
		return max(excess/2, exact)
	}
	return excess
}

// held is how many bytes deleting can free. Journals and free pages are not among them:
// files that have not become smaller yet are no reason to delete more.
type held struct {
	log, derived int64
	uploads      []fs.FileInfo // oldest first
}

func (h held) total() int64 {
	total := h.log + h.derived
	for _, u := range h.uploads {
		total += u.Size()
	}
	return total
}

func (c *Collector) held(ctx context.Context) (h held, err error) {
	if h.log, err = c.log.Size(ctx); err != nil {
		return h, err
	}
	for _, derived := range []store.Sized{c.index, c.search} {
		size, err := derived.Size(ctx)
		if err != nil {
			return h, err
		}
		h.derived += size
	}
	h.uploads, err = c.blobs.list()
	return h, err
}

// cut returns the time before which to delete so that about want bytes are freed, zero if
// nothing is left. What is derived from a line is taken to be as much, for each byte of
// it, as it is on average.
func (c *Collector) cut(ctx context.Context, h held, want int64) (before time.Time, err error) {
	share := float64(h.log+h.derived) / float64(max(h.log, 1))
	freed := int64(0)
	upload := func(until time.Time) (enough bool) {
		for len(h.uploads) > 0 && freed < want && (until.IsZero() || h.uploads[0].ModTime().Before(until)) {
			before = h.uploads[0].ModTime().Add(time.Microsecond)
			freed, h.uploads = freed+h.uploads[0].Size(), h.uploads[1:]
		}
		return freed >= want
	}
	enough := false
	err = c.log.Oldest(ctx, func(recv time.Time, bytes int64) bool {
		if !recv.Before(before) { // it goes anyway with those of the same batch
			if enough = enough || upload(recv); enough {
				return false
			}
			before = recv.Add(time.Microsecond)
		}
		freed += int64(float64(bytes) * share)
		enough = freed >= want
		return true
	})
	if err == nil && !enough {
		upload(time.Time{})
	}
	return before, err
}

// list returns the stored uploads, the oldest first.
func (b *blobs) list() ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(b.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("listing uploads: %w", err)
	}
	var stored []fs.FileInfo
	for _, entry := range entries {
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was removed since
		case err != nil:
			return nil, fmt.Errorf("listing uploads: %w", err)
		case info.Mode().IsRegular() && !strings.HasSuffix(info.Name(), partial):
			stored = append(stored, info)
		}
	}
	slices.SortFunc(stored, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	return stored, nil
}

// forget removes uploads that were stored before a time.
func (b *blobs) forget(before time.Time) error {
	stored, err := b.list()
	if err != nil {
		return err
	}
	for _, info := range stored {
		if !info.ModTime().Before(before) {
			break
		}
		if err := b.root.Remove(info.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deleting uploads: %w", err)
		}
	}
	return nil
}
