package spool

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// TakeOwnerless takes another slot of the same target that no process holds and in which
// records wait: its process died. It returns nil and no error if there is none. The caller
// must close the returned spool before its own. A slot that cannot be used is reported
// once, and again only after it changes.
func (s *Spool) TakeOwnerless() (*Spool, error) {
	if s.target == nil {
		return nil, nil
	}
	infos, err := s.target.ReadDir()
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	for _, info := range infos {
		if !info.Dir || !isSlotName(info.Name) || info.Name == s.slot {
			continue
		}
		if slot := s.adopt(info.Name); slot != nil {
			return slot, nil
		}
	}
	return nil, nil
}

// isSlotName reports whether name is "00" to "63".
func isSlotName(name string) bool {
	return len(name) == 2 && name[0] >= '0' && name[0] <= '9' && name[1] >= '0' && name[1] <= '9' && name < "64"
}

// adopt opens a slot if it is free and records wait in it; otherwise it returns nil.
func (s *Spool) adopt(name string) *Spool {
	look, err := appearance(s.target, name)
	if err != nil {
		look = err.Error()
	}
	if look == "" || !s.changed(name, look) {
		return nil
	}
	if err != nil {
		s.useless(name, look, err)
		return nil
	}
	slot, err := openSlot(s.target, name, s.config)
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return nil
	case err != nil:
		s.useless(name, look, err)
		return nil
	case !slot.Empty():
		slot.target = s.target
		return slot
	}
	err = slot.Close(context.Background())
	look, lookErr := appearance(s.target, name)
	s.useless(name, look, errors.Join(err, lookErr))
	return nil
}

// changed reports whether a slot looks different from when it was last found useless.
func (s *Spool) changed(name, look string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.empty[name] != look
}

// useless remembers the appearance of a slot in which there is nothing to do, so that it is
// not opened again before it changes. If err is not nil, it reports the slot as skipped.
func (s *Spool) useless(name, look string, err error) {
	s.mu.Lock()
	s.empty[name] = look
	s.mu.Unlock()
	if err != nil {
		s.config.skipped(name, err)
	}
}

// appearance returns the names and sizes of a slot's segments as one text, "" if it has none.
// It takes no lock: looking must not keep another process from taking the slot.
func appearance(target vfs.FS, name string) (string, error) {
	var look strings.Builder
	folder, err := target.Folder(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = folder.Close() }() // it was only read
	infos, err := folder.ReadDir()
	if err != nil {
		return "", err
	}
	segments(&look, infos)
	for _, info := range infos {
		if !info.Dir || info.Name != uploadsFolder {
			continue
		}
		uploads, err := folder.Folder(uploadsFolder)
		if err != nil {
			return "", err
		}
		inner, err := uploads.ReadDir()
		if err := errors.Join(err, uploads.Close()); err != nil {
			return "", err
		}
		segments(&look, inner)
	}
	return look.String(), nil
}

// segments adds a line for each segment.
func segments(look *strings.Builder, infos []vfs.Info) {
	for _, info := range infos {
		if isSegment(info.Name) {
			fmt.Fprintf(look, "%s %d\n", info.Name, info.Size)
		}
	}
}

// isSegment reports whether a file of that name belongs to a log. It must agree with the
// names that package seglog gives.
func isSegment(name string) bool { return strings.HasSuffix(name, ".seg") }
