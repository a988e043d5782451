package delivery

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

// blobSyncer makes the contents of attachments durable. The caller that logged an attachment has
// written its content, but not synced it: that would cost each call a wait for the disk.
type blobSyncer struct {
	spool *spool.Spool
	added chan struct{} // capacity 1

	mu    sync.Mutex
	names []string      // guarded by mu; oldest first
	last  uint64        // guarded by mu; number of blobs that were added
	done  uint64        // guarded by mu; number of those that are durable or gone
	moved chan struct{} // guarded by mu; closed and replaced when done or ended changes
	ended bool          // guarded by mu
}

// newBlobSyncer returns a syncer for the blobs of a spool; run must be called.
func newBlobSyncer(s *spool.Spool) *blobSyncer {
	return &blobSyncer{spool: s, added: make(chan struct{}, 1), moved: make(chan struct{})}
}

// add queues a blob. It never blocks.
func (b *blobSyncer) add(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names = append(b.names, name)
	b.last++
	signal(b.added)
}

// run syncs blobs, oldest first, until ctx ends. One that cannot be synced is retried every second
// until it can, or has been delivered and removed.
func (b *blobSyncer) run(ctx context.Context) {
	defer b.change(func() { b.ended = true })
	for ctx.Err() == nil {
		name, ok := b.first()
		switch {
		case !ok:
			select {
			case <-b.added:
			case <-ctx.Done():
			}
		case b.sync(name):
			b.next()
		default:
			sleep(ctx, time.Second, nil)
		}
	}
}

// sync reports whether nothing is left to do for a blob.
func (b *blobSyncer) sync(name string) bool {
	err := b.spool.SyncBlob(name)
	return err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, spool.ErrName)
}

// first returns the oldest blob that is not durable.
func (b *blobSyncer) first() (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.names) == 0 {
		return "", false
	}
	return b.names[0], true
}

// next moves on to the next blob.
func (b *blobSyncer) next() {
	b.change(func() {
		b.names = b.names[1:]
		b.done++
	})
}

// change makes a change under mu and wakes the callers of wait.
func (b *blobSyncer) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.moved)
	b.moved = make(chan struct{})
}

// wait waits until all blobs that were added before are durable. It returns nil, the cause of
// ctx, or seglog.ErrClosed after run has returned.
func (b *blobSyncer) wait(ctx context.Context) error {
	b.mu.Lock()
	last := b.last
	b.mu.Unlock()
	for {
		b.mu.Lock()
		done, ended, moved := b.done >= last, b.ended, b.moved
		b.mu.Unlock()
		switch {
		case done:
			return nil
		case ended:
			return seglog.ErrClosed
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
