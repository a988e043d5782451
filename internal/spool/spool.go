package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

// Spool is a slot that this process holds. All methods may be called concurrently, but
// none after Close.
type Spool struct {
	// Lines holds log lines. Uploads holds the contents that are uploaded before their
	// lines are sent.
	Lines, Uploads *seglog.Log

	config Config
	slot   string // name of the slot; empty in memory mode
	blobs  blobs
	dead   *deadLetters

	target vfs.FS      // the folder of all slots of the target; nil in memory mode
	held   []io.Closer // the lock first, then folders; owned by Open, later by close

	closing  sync.Once
	closed   chan struct{} // closed when the slot is free
	closeErr error         // written before closed is closed

	mu    sync.Mutex
	empty map[string]string // guarded by mu; appearance of other slots when they held nothing
}

// Memory returns a spool that lives as long as the process: records stay in memory
// until they are acknowledged, dead letters up to 64 MiB in total, and blobs up to
// Config.Log.MemoryBytes. Dir, Target, AEAD and the limits for the disk are ignored.
func Memory(c Config) *Spool {
	c.Dir, c.Log.AEAD = "", nil
	return &Spool{
		Lines: memoryLog(&c), Uploads: memoryLog(&c), config: c,
		blobs: newMemoryBlobs(c.Log.MemoryBytes),
		dead:  &deadLetters{limit: maxDeadBytes}, closed: make(chan struct{}),
	}
}

// memoryLog returns a log in memory mode.
func memoryLog(c *Config) *seglog.Log {
	log, err := seglog.Open(c.logIn(nil, nil))
	if err != nil {
		panic(err) // Open fails only because of a folder or an AEAD
	}
	return log
}

// recentBytes holds more than one batch of small entries, so that a sender that keeps up
// reads from memory instead of from the files that were just written.
const recentBytes = 2 << 20

// Slot returns the name of the slot, two digits; empty in memory mode.
func (s *Spool) Slot() string { return s.slot }

// Empty reports whether no record waits in the logs.
func (s *Spool) Empty() bool { return drained(s.Lines) && drained(s.Uploads) }

// drained reports whether every record of a log is acknowledged or dropped.
func drained(l *seglog.Log) bool { return l.Next() > l.State().Appended }

// InMemory reports whether the spool has no disk.
func (s *Spool) InMemory() bool { return s.slot == "" }

// Close writes the pending records and gives the slot back. The error reports records that
// did not reach the disk; the slot is free in any case. If ctx ends first, Close returns its
// cause and the rest happens in the background; a second Close waits for the same end.
func (s *Spool) Close(ctx context.Context) error {
	s.closing.Do(func() { go s.close() })
	select {
	case <-s.closed:
		return s.closeErr
	case <-ctx.Done():
		return fmt.Errorf("spool: slot %s is still being closed: %w", s.slot, context.Cause(ctx))
	}
}

// close gives the slot back after the last write of the logs, never earlier: otherwise the
// next process would recover files that still change.
func (s *Spool) close() {
	defer close(s.closed)
	err := errors.Join(s.Lines.Close(context.Background()), s.Uploads.Close(context.Background()))
	if err == nil {
		s.removeDelivered()
	}
	if err = errors.Join(err, s.release()); err != nil {
		s.closeErr = fmt.Errorf("spool: slot %s: %w", s.slot, err)
	}
}

// release closes the folders and then the lock, in reverse order of opening.
func (s *Spool) release() error {
	var errs []error
	for len(s.held) > 0 {
		last := len(s.held) - 1
		errs = append(errs, s.held[last].Close())
		s.held = s.held[:last]
	}
	return errors.Join(errs...)
}
