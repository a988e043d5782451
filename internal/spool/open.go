package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

// Names in the folder of the spools and in a slot.
const (
	versionFolder    = "v1"
	lockFile         = "LOCK"
	keyFile          = "key"
	cursorFile       = "cursor" // or begins with it
	uploadsFolder    = "uploads"
	blobsFolder      = "blobs"
	deadFolder       = "dead"
	quarantineFolder = "quarantine"

	slots = 64
)

// Open takes the first free slot of the target and recovers its records. A slot that is not
// private, belongs to another key or cannot be recovered is reported and left unchanged.
// Open returns ErrNoSlot, with the reasons of all slots, if none is left, vfs.ErrUnsafe if
// a folder above the slots is not private to this user, or an error of the system.
func Open(c Config) (*Spool, error) {
	if c.Dir == "" {
		return Memory(c), nil
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	root, err := vfs.OS(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing was written through it
	return openIn(root, c)
}

// openIn is Open in a folder that is already open. Tests call it with other file systems.
func openIn(root vfs.FS, c Config) (*Spool, error) {
	target, err := targetFolder(root, c.Target)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	var reasons []error
	for i := range slots {
		name := slotName(i)
		s, err := openSlot(target, name, c)
		if err == nil {
			s.target = target
			s.held = append(s.held, target)
			return s, nil
		}
		if !errors.Is(err, vfs.ErrLocked) {
			c.skipped(name, err)
			reasons = append(reasons, err)
		}
	}
	return nil, errors.Join(fmt.Errorf("%w: of %d, %d are in use and %d cannot be used", ErrNoSlot, slots, slots-len(reasons), len(reasons)),
		errors.Join(reasons...), target.Close())
}

func slotName(i int) string { return fmt.Sprintf("%02d", i) }

// targetFolder opens the folder of all slots of a target, durably.
func targetFolder(root vfs.FS, target string) (vfs.FS, error) {
	version, err := durable(root, versionFolder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = version.Close() }() // nothing was written through it
	return durable(version, TargetHash(target))
}

// durable opens or creates a folder and returns when its name is durable: files synced
// inside it would be lost with the name.
func durable(parent vfs.FS, name string) (vfs.FS, error) {
	folder, err := parent.Folder(name)
	if err != nil {
		return nil, err
	}
	if err := parent.Sync(); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return folder, nil
}

// openSlot locks a slot and recovers it. The lock comes first: only its holder may read or
// change the other files.
func openSlot(target vfs.FS, name string, c Config) (_ *Spool, err error) {
	s := &Spool{config: c, slot: name, closed: make(chan struct{}), empty: map[string]string{}}
	defer func() {
		if err != nil {
			err = fmt.Errorf("spool: slot %s: %w", name, errors.Join(err, s.abandon()))
		}
	}()
	folder, err := durable(target, name)
	if err != nil {
		return nil, err
	}
	lock, err := folder.Lock(lockFile)
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	s.held = []io.Closer{lock, folder}
	if err := claimKey(folder, c.Log.AEAD); err != nil {
		return nil, err
	}
	if err := s.openStores(folder); err != nil {
		return nil, err
	}
	return s, s.openLogs(folder)
}

// openStores opens the folders of the blobs and of the dead letters.
func (s *Spool) openStores(folder vfs.FS) error {
	blobs, err := s.hold(folder, blobsFolder)
	if err != nil {
		return err
	}
	if s.blobs, err = openBlobs(blobs, s.config.Log.AEAD, s.config.Log.MaxBytes); err != nil {
		return err
	}
	dead, err := s.hold(folder, deadFolder)
	if err != nil {
		return err
	}
	s.dead, err = openDead(dead, s.config.Log.AEAD)
	return err
}

// openLogs recovers the logs and then removes the blobs that no record names: only a
// recovered log knows them.
func (s *Spool) openLogs(folder vfs.FS) error {
	uploads, err := s.hold(folder, uploadsFolder)
	if err != nil {
		return err
	}
	if s.Lines, err = s.openLog(folder); err != nil {
		return err
	}
	if s.Uploads, err = s.openLog(uploads); err != nil {
		return err
	}
	return s.collect()
}

// openLog recovers the log in a folder. Each log has a separate quarantine, because the
// segments of both have the same names.
func (s *Spool) openLog(folder vfs.FS) (*seglog.Log, error) {
	if err := checkLog(folder); err != nil {
		return nil, err
	}
	quarantine, err := s.hold(folder, quarantineFolder)
	if err != nil {
		return nil, err
	}
	return seglog.Open(s.config.logIn(folder, quarantine))
}

// checkLog fails if anything but a regular file has the name of a log's file: the log could
// never create its own there.
func checkLog(folder vfs.FS) error {
	infos, err := folder.ReadDir()
	if err != nil {
		return err
	}
	for _, info := range infos {
		if !info.Regular && (isSegment(info.Name) || strings.HasPrefix(info.Name, cursorFile)) {
			return fmt.Errorf("%w: %s; remove it", vfs.ErrUnsafe, info.Name)
		}
	}
	return nil
}

// hold opens a folder for as long as the spool is open.
func (s *Spool) hold(parent vfs.FS, name string) (vfs.FS, error) {
	folder, err := durable(parent, name)
	if err != nil {
		return nil, err
	}
	s.held = append(s.held, folder)
	return folder, nil
}

// abandon closes everything that a failed Open has opened, the lock last.
func (s *Spool) abandon() error {
	var errs []error
	for _, log := range []*seglog.Log{s.Lines, s.Uploads} {
		if log != nil {
			errs = append(errs, log.Close(context.Background()))
		}
	}
	return errors.Join(append(errs, s.release())...)
}
