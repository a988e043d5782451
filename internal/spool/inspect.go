package spool

import (
	"cmp"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

// SlotInfo describes a slot at about one moment: a process that holds it goes on
// meanwhile.
type SlotInfo struct {
	// Target is the hash of the target, and Slot the name of the slot, two digits.
	Target, Slot string
	// Held reports that a process holds the slot. PID is the id it left, 0 if none: a
	// hint, which means nothing in another container.
	Held bool
	PID  int
	// Sealed reports that the slot belongs to a key.
	Sealed bool
	// Lines and Uploads describe the two logs.
	Lines, Uploads seglog.Inspection
	// Blobs and Dead count blobs and dead letters, and BlobBytes and DeadBytes the length
	// of their files.
	Blobs, Dead          int
	BlobBytes, DeadBytes int64
	// Quarantined counts the files in quarantine.
	Quarantined int
	// Problem is why the other fields are incomplete; nil if they are complete.
	Problem error

	dir string
	key string // the fingerprint of its key; "" if it has none
}

// Inspect describes all slots in a folder of spools, by target and slot. It changes
// nothing and may run beside processes that use the folder. To learn that a slot is free
// it takes the lock for a moment. It reads every waiting record. It returns fs.ErrNotExist
// if the folder does not exist.
func Inspect(dir string) ([]SlotInfo, error) {
	var infos []SlotInfo
	err := within(dir, func(version vfs.FS) error {
		targets, err := version.ReadDir()
		if err != nil {
			return err
		}
		for _, target := range targets {
			if !target.Dir || len(target.Name) != blobNameDigits || !isHex(target.Name) {
				continue
			}
			inTarget := func(folder vfs.FS) error {
				found, err := inspectTarget(folder, target.Name, dir)
				infos = append(infos, found...)
				return err
			}
			if err := enter(version, []string{target.Name}, inTarget); err != nil {
				infos = append(infos, SlotInfo{Target: target.Name, Problem: err, dir: dir})
			}
		}
		return nil
	}, versionFolder)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return infos, nil
}

// inspectTarget describes the slots in the folder of a target. A slot that cannot be read is
// listed with its Problem, and the others follow.
func inspectTarget(folder vfs.FS, target, dir string) ([]SlotInfo, error) {
	entries, err := folder.ReadDir()
	if err != nil {
		return nil, err
	}
	var infos []SlotInfo
	for _, e := range entries {
		if !isSlotName(e.Name) {
			continue
		}
		info := SlotInfo{Target: target, Slot: e.Name, dir: dir}
		info.Problem = enter(folder, []string{e.Name}, info.inspect)
		infos = append(infos, info)
	}
	return infos, nil
}

// inspect looks at the folder of a slot.
func (i *SlotInfo) inspect(slot vfs.FS) error {
	var err error
	i.key, err = readFingerprint(slot)
	i.Sealed = i.key != ""
	errs := []error{err, i.inspectLock(slot)}
	i.Lines, err = seglog.Inspect(slot, nil, nil)
	errs = append(errs, err)
	look := func(path []string, look func(vfs.FS) error) {
		if err := enter(slot, path, look); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	look([]string{uploadsFolder}, func(folder vfs.FS) (err error) {
		i.Uploads, err = seglog.Inspect(folder, nil, nil)
		return err
	})
	look([]string{blobsFolder}, func(folder vfs.FS) error { return count(folder, isBlobName, &i.Blobs, &i.BlobBytes) })
	look([]string{deadFolder}, func(folder vfs.FS) error { return count(folder, isLetterName, &i.Dead, &i.DeadBytes) })
	for _, path := range [][]string{{quarantineFolder}, {uploadsFolder, quarantineFolder}} {
		look(path, func(folder vfs.FS) error {
			return count(folder, func(string) bool { return true }, &i.Quarantined, new(int64))
		})
	}
	return errors.Join(errs...)
}

// inspectLock finds out whether a process holds the slot, and which.
func (i *SlotInfo) inspectLock(slot vfs.FS) error {
	hint := readHint(slot)
	if hint == "" {
		// Lock would create the file, and Inspect must not change the slot.
		f, err := slot.OpenFile(lockFile, os.O_RDONLY)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	lock, err := slot.Lock(lockFile)
	if errors.Is(err, vfs.ErrLocked) {
		i.Held = true
		i.PID, _ = strconv.Atoi(hint) // 0 is no hint
		return nil
	}
	if err != nil {
		return err
	}
	return lock.Close()
}

// readHint returns the text of the lock file: the process id that its holder left.
func readHint(slot vfs.FS) string {
	f, err := slot.OpenFile(lockFile, os.O_RDONLY)
	if err != nil {
		return ""
	}
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0) // a hint
	_ = f.Close()
	return strings.TrimSpace(string(text[:n]))
}

// count adds up the files with certain names.
func count(folder vfs.FS, named func(string) bool, files *int, bytes *int64) error {
	infos, err := folder.ReadDir()
	for _, info := range infos {
		if info.Regular && named(info.Name) {
			*files++
			*bytes += info.Size
		}
	}
	return err
}

// matching returns aead if it is the slot's key, otherwise nil: with another key everything
// would look damaged.
func (i *SlotInfo) matching(aead cipher.AEAD) cipher.AEAD {
	if aead == nil || i.key != fingerprint(aead) {
		return nil
	}
	return aead
}

// Pending reports how many records wait in the two logs.
func (i *SlotInfo) Pending() int64 { return i.Lines.Records + i.Uploads.Records }

// Damage returns one line for each place in the slot's files that is lost or unreadable. It
// reads all files; sealed blobs and letters only if aead is their key.
func (i *SlotInfo) Damage(aead cipher.AEAD) ([]string, error) {
	aead = i.matching(aead)
	var found []string
	for _, part := range []struct {
		folder string
		log    seglog.Inspection
	}{{"", i.Lines}, {uploadsFolder + "/", i.Uploads}} {
		for _, d := range part.log.Damage {
			found = append(found, part.folder+d.String())
		}
	}
	err := i.enter(func(slot vfs.FS) error {
		needed := map[string]bool{}
		for record, err := range i.Records(aead) {
			if err != nil && !errors.Is(err, ErrKey) {
				return err
			}
			note(needed, record.Kind, record.Data)
		}
		for letter, err := range letters(slot, aead) {
			if errors.Is(err, ErrDamaged) {
				found = append(found, err.Error())
			} else if err != nil && !errors.Is(err, ErrKey) {
				return err
			}
			note(needed, letter.Kind, letter.Data)
		}
		more, err := i.damagedBlobs(slot, needed, aead)
		found = append(found, more...)
		return err
	})
	return found, err
}

// damagedBlobs tries to read the blobs that a record or letter names. Others may be
// incomplete, or left over from a crash.
func (i *SlotInfo) damagedBlobs(slot vfs.FS, needed map[string]bool, aead cipher.AEAD) ([]string, error) {
	if len(needed) == 0 {
		return nil, nil
	}
	var found []string
	err := enter(slot, []string{blobsFolder}, func(folder vfs.FS) error {
		for _, name := range slices.Sorted(maps.Keys(needed)) {
			err := readThrough(folder, name, aead)
			switch {
			case errors.Is(err, fs.ErrNotExist) && i.Held: // delivered and removed by now
			case errors.Is(err, ErrDamaged), errors.Is(err, fs.ErrNotExist), errors.Is(err, vfs.ErrUnsafe):
				found = append(found, err.Error())
			case err != nil && !errors.Is(err, ErrKey):
				return err
			}
		}
		return nil
	})
	return found, err
}

// readThrough reads a whole blob, which verifies every chunk.
func readThrough(folder vfs.FS, name string, aead cipher.AEAD) error {
	blob, err := openBlob(folder, name, aead)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, blob)
	return errors.Join(err, blob.Close())
}

// Records returns the waiting records: the lines and then the uploads, each in order. A
// sealed record comes without data and with ErrKey unless aead opens it. Data is valid
// until the next record. If the rest cannot be read, the last pair holds the reason.
func (i *SlotInfo) Records(aead cipher.AEAD) iter.Seq2[seglog.Record, error] {
	aead = i.matching(aead)
	return func(yield func(seglog.Record, error) bool) {
		more := true
		visit := func(r seglog.Record, opened bool) bool {
			var err error
			if !opened {
				err = ErrKey
			}
			more = yield(r, err)
			return more
		}
		err := i.enter(func(slot vfs.FS) error {
			if _, err := seglog.Inspect(slot, aead, visit); err != nil || !more {
				return err
			}
			return enter(slot, []string{uploadsFolder}, func(uploads vfs.FS) error {
				_, err := seglog.Inspect(uploads, aead, visit)
				return err
			})
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) && more {
			yield(seglog.Record{}, err)
		}
	}
}

// Letters returns the dead letters as Spool.Letters does, without a lock.
func (i *SlotInfo) Letters(aead cipher.AEAD) iter.Seq2[Letter, error] {
	aead = i.matching(aead)
	return func(yield func(Letter, error) bool) {
		err := i.enter(func(slot vfs.FS) error {
			letters(slot, aead)(yield)
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(Letter{}, err)
		}
	}
}

// letters reads the dead letters in the folder of a slot, oldest first.
func letters(slot vfs.FS, aead cipher.AEAD) iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		err := enter(slot, []string{deadFolder}, func(folder vfs.FS) error {
			infos, err := folder.ReadDir()
			slices.SortStableFunc(infos, func(a, b vfs.Info) int {
				return cmp.Or(a.ModTime.Compare(b.ModTime), strings.Compare(a.Name, b.Name))
			})
			for _, info := range infos {
				if !isLetterName(info.Name) {
					continue
				}
				letter, err := readLetter(folder, info.Name, aead)
				if !errors.Is(err, fs.ErrNotExist) && !yield(letter, err) {
					return nil
				}
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(Letter{}, err)
		}
	}
}

// Open takes the slot as the function Open takes a free one. It ignores Dir and Target of
// c. It fails with vfs.ErrLocked if a process holds the slot by now.
func (i *SlotInfo) Open(c Config) (s *Spool, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	err = within(i.dir, func(target vfs.FS) error {
		s, err = openSlot(target, i.Slot, c)
		return err
	}, versionFolder, i.Target)
	return s, err
}

// enter calls look with the folder of the slot.
func (i *SlotInfo) enter(look func(vfs.FS) error) error {
	return within(i.dir, look, versionFolder, i.Target, i.Slot)
}

// within calls look with the folder path below dir. Unlike vfs.OS it never creates one.
func within(dir string, look func(vfs.FS) error, path ...string) error {
	if _, err := os.Lstat(dir); err != nil {
		return err // vfs.OS would make it
	}
	root, err := vfs.OS(dir)
	if err != nil {
		return err
	}
	return errors.Join(enter(root, path, look), root.Close())
}

// enter calls look with the folder path below parent. Unlike vfs.FS.Folder it never creates
// one: an inspection must not change the spool.
func enter(parent vfs.FS, path []string, look func(vfs.FS) error) error {
	if len(path) == 0 {
		return look(parent)
	}
	infos, err := parent.ReadDir()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(infos, func(info vfs.Info) bool { return info.Name == path[0] }) {
		return &fs.PathError{Op: "open", Path: path[0], Err: fs.ErrNotExist}
	}
	folder, err := parent.Folder(path[0]) // which would make one that is not there
	if err != nil {
		return err
	}
	return errors.Join(enter(folder, path[1:], look), folder.Close())
}
