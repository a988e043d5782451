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

// blobSyncer makes the contents of attachments durable, which were only written when
// their entries were appended.
type blobSyncer struct {
	spool *spool.Spool
	added chan struct{} // capacity 1

	mu    sync.Mutex
	names []string      // guarded by mu; oldest first
	last  uint64        // guarded by mu; how many were added
	done  uint64        // guarded by mu; how many of these are durable or gone
	moved chan struct{} // guarded by mu; closed and replaced when done or ended changes
	ended bool          // guarded by mu
}

func newBlobSyncer(s *spool.Spool) *blobSyncer {
	return &blobSyncer{spool: s, added: make(chan struct{}, 1), moved: make(chan struct{})}
}

func (b *blobSyncer) add(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names = append(b.names, name)
	b.last++
	signal(b.added)
}

// run syncs blobs until ctx ends. One that cannot be synced is tried again every
// second until it can, or has been delivered.
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

func (b *blobSyncer) sync(name string) bool {
	err := b.spool.SyncBlob(name)
	return err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, spool.ErrName)
}

func (b *blobSyncer) first() (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.names) == 0 {
		return "", false
	}
	return b.names[0], true
}

func (b *blobSyncer) next() {
	b.change(func() {
		b.names = b.names[1:]
		b.done++
	})
}

// change makes a change under mu and tells those who wait.
func (b *blobSyncer) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.moved)
	b.moved = make(chan struct{})
}

// wait waits until all blobs that were added before are durable. It returns nil, the
// cause of ctx, or seglog.ErrClosed when nobody syncs any more.
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
