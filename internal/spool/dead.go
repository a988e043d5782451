package spool

import (
	"cmp"
	"crypto/cipher"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// maxDeadBytes limits the dead letters of a spool, in bytes of their files.
const maxDeadBytes = 64 << 20

// temporary begins the name of a letter that is not complete.
const temporary = "tmp-"

// Dead stores a letter and returns when it is durable. The same letter again replaces
// itself. Over 64 MiB the oldest letters are dropped and counted by DeadDropped.
func (s *Spool) Dead(l Letter) error {
	if l.Time.IsZero() {
		l.Time = time.Now()
	}
	return s.dead.put(&l)
}

// Letters returns the dead letters, oldest first. One that cannot be read comes with
// its name and an error: ErrDamaged or ErrKey if the letter itself is the cause. Letters
// added during the iteration may be left out.
func (s *Spool) Letters() iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		for _, name := range s.dead.names() {
			l, err := s.dead.read(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed meanwhile
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// RemoveLetter removes a dead letter. It returns fs.ErrNotExist if there is none of that name.
func (s *Spool) RemoveLetter(name string) error { return s.dead.remove(name) }

// DeadDropped counts the dead letters that this spool dropped, since it was opened,
// because there were too many.
func (s *Spool) DeadDropped() int64 { return s.dead.drops.Load() }

// deadLetters keeps letters in a folder, or in memory if it has none. All methods may
// be called concurrently.
type deadLetters struct {
	fs    vfs.FS // nil: memory
	aead  cipher.AEAD
	limit int64 // bytes of files

	drops atomic.Int64 // letters that made room: not under mu, which is held while the disk writes

	mu    sync.Mutex
	files []letterFile // guarded by mu; oldest first
	bytes int64        // guarded by mu; of all files
}

// letterFile is a stored letter.
type letterFile struct {
	name    string
	size    int64
	content []byte // in memory mode
}

// openDead lists the letters in a folder and removes those that a crash left unfinished.
func openDead(folder vfs.FS, aead cipher.AEAD) (*deadLetters, error) {
	d := &deadLetters{fs: folder, aead: aead, limit: maxDeadBytes}
	infos, err := folder.ReadDir()
	if err != nil {
		return nil, fmt.Errorf("spool: dead letters: %w", err)
	}
	slices.SortStableFunc(infos, func(a, b vfs.Info) int {
		return cmp.Or(a.ModTime.Compare(b.ModTime), strings.Compare(a.Name, b.Name))
	})
	for _, info := range infos {
		switch {
		case !info.Regular:
		case isLetterName(info.Name):
			d.files = append(d.files, letterFile{name: info.Name, size: info.Size})
			d.bytes += info.Size
		case strings.HasPrefix(info.Name, temporary) && isLetterName(info.Name[len(temporary):]):
			_ = folder.Remove(info.Name) // if that fails, the next Open tries again
		}
	}
	return d, nil
}

// put stores a letter and then drops the oldest ones above the limit. The same letter again
// replaces the old one: after a crash a record may be refused a second time.
func (d *deadLetters) put(l *Letter) error {
	file, err := encodeLetter(l, d.aead)
	if err != nil {
		return err
	}
	name := letterName(l)
	d.mu.Lock()
	defer d.mu.Unlock()
	stored := letterFile{name: name, size: int64(len(file))}
	if d.fs == nil {
		stored.content = file
	} else if err := d.write(name, file); err != nil {
		return fmt.Errorf("spool: dead letter %s: %w", name, err)
	}
	d.forget(name)
	d.files = append(d.files, stored)
	d.bytes += stored.size
	d.drop()
	return nil
}

// write makes a file durable under a temporary name before it renames it, so that a letter
// is never incomplete after a crash.
func (d *deadLetters) write(name string, file []byte) error {
	unfinished := temporary + name
	f, err := d.fs.OpenFile(unfinished, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(file, 0)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = d.fs.Rename(unfinished, name)
	}
	if err != nil {
		_ = d.fs.Remove(unfinished) // else the next Open does
		return err
	}
	return d.fs.Sync()
}

// drop removes the oldest letters, never the newest, until the rest are within the
// limit. If one cannot be removed, the next call tries again. Callers must hold mu.
func (d *deadLetters) drop() {
	for d.bytes > d.limit && len(d.files) > 1 {
		oldest := d.files[0].name
		if d.fs != nil {
			if err := d.fs.Remove(oldest); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return
			}
		}
		d.forget(oldest)
		d.drops.Add(1)
	}
}

// forget removes a letter from the list. Callers must hold mu.
func (d *deadLetters) forget(name string) {
	at := d.find(name)
	if at < 0 {
		return
	}
	d.bytes -= d.files[at].size
	d.files = slices.Delete(d.files, at, at+1)
}

// find returns the index of a letter in the list, or -1. Callers must hold mu.
func (d *deadLetters) find(name string) int {
	return slices.IndexFunc(d.files, func(f letterFile) bool { return f.name == name })
}

func (d *deadLetters) names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make([]string, len(d.files))
	for i, f := range d.files {
		names[i] = f.name
	}
	return names
}

// read decodes a letter. On disk it takes no lock, so a letter may vanish meanwhile:
// fs.ErrNotExist.
func (d *deadLetters) read(name string) (Letter, error) {
	if d.fs != nil {
		return readLetter(d.fs, name, d.aead)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.find(name)
	if at < 0 {
		return Letter{Name: name}, fs.ErrNotExist
	}
	return decodeLetter(name, d.files[at].content, d.aead)
}

// readLetter reads a letter from a folder.
func readLetter(folder vfs.FS, name string, aead cipher.AEAD) (Letter, error) {
	fail := func(err error) (Letter, error) {
		return Letter{Name: name}, fmt.Errorf("spool: dead letter %s: %w", name, err)
	}
	f, err := folder.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return fail(err)
	}
	size, err := f.Size()
	if err == nil && size > maxLetterBytes {
		err = ErrDamaged
	}
	var file []byte
	if err == nil {
		file = make([]byte, size)
		_, err = f.ReadAt(file, 0)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fail(err)
	}
	return decodeLetter(name, file, aead)
}

// remove deletes a letter durably: a letter that a person has sent again must not come back.
func (d *deadLetters) remove(name string) error {
	if !isLetterName(name) {
		return fmt.Errorf("%w: a dead letter is named by its number and its origin", ErrName)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.find(name) < 0 {
		return fmt.Errorf("spool: dead letter %s: %w", name, fs.ErrNotExist)
	}
	if d.fs != nil {
		if err := d.fs.Remove(name); err != nil {
			return fmt.Errorf("spool: dead letter %s: %w", name, err)
		}
		if err := d.fs.Sync(); err != nil {
			return fmt.Errorf("spool: dead letter %s may come back: %w", name, err)
		}
	}
	d.forget(name)
	return nil
}
