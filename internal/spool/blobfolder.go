package spool

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// folderBlobs are files in a folder.
type folderBlobs struct {
	fs    vfs.FS
	aead  cipher.AEAD
	limit int64 // of all files together, in bytes

	mu    sync.Mutex
	files map[string]blobFile // guarded by mu; those that are complete
	bytes int64               // guarded by mu; of all files, those that are being written too
}

// blobFile is a blob that is complete.
type blobFile struct {
	size int64
	at   time.Time // when it was put; zero if it was there when the folder was opened
}

// openBlobs lists the blobs in a folder. A limit of 0 means no limit.
func openBlobs(folder vfs.FS, aead cipher.AEAD, limit int64) (*folderBlobs, error) {
	if limit <= 0 {
		limit = math.MaxInt64
	}
	b := &folderBlobs{fs: folder, aead: aead, limit: limit, files: map[string]blobFile{}}
	infos, err := folder.ReadDir()
	if err != nil {
		return nil, fmt.Errorf("spool: blobs: %w", err)
	}
	for _, info := range infos {
		if info.Regular && isBlobName(info.Name) {
			b.files[info.Name] = blobFile{size: info.Size}
			b.bytes += info.Size
		}
	}
	return b, nil
}

// put writes a new file and lists it once it is complete, so that before never returns a
// blob that is still being written. After an error it removes the file.
func (b *folderBlobs) put(name string, r io.Reader, limit int64) (size int64, err error) {
	f, err := b.fs.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return 0, fmt.Errorf("spool: blob %s: %w", name, err)
	}
	metered := &meter{WriterAt: f, blobs: b}
	size, err = newBlobCodec(name, b.aead).write(metered, r, limit)
	err = errors.Join(err, f.Close())
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.files[name] = blobFile{size: metered.taken, at: time.Now()}
		return size, nil
	}
	if b.fs.Remove(name) == nil { // otherwise the next Open removes it, and it counts until then
		b.give(metered.taken)
	}
	return 0, fmt.Errorf("spool: blob %s: %w", name, err)
}

// take reserves n bytes before they are written. It returns ErrNoRoom above the limit.
func (b *folderBlobs) take(n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.limit-b.bytes {
		return fmt.Errorf("%w: the limit for all blobs on disk is %d bytes", ErrNoRoom, b.limit)
	}
	b.bytes += n
	return nil
}

// give returns bytes that take reserved.
func (b *folderBlobs) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= n
}

// meter reserves the bytes of a new file as they are written; no byte is written twice.
type meter struct {
	io.WriterAt
	blobs *folderBlobs
	taken int64
}

// WriteAt implements io.WriterAt.
func (m *meter) WriteAt(p []byte, offset int64) (int, error) {
	n := int64(len(p))
	if err := m.blobs.take(n); err != nil {
		return 0, err
	}
	m.taken += n
	return m.WriterAt.WriteAt(p, offset)
}

// sync makes the content durable and then the name: a name without content would look like
// a damaged blob after a loss of power.
func (b *folderBlobs) sync(name string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("spool: blob %s is not durable: %w", name, err)
		}
	}()
	f, err := b.fs.OpenFile(name, os.O_RDWR)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return b.fs.Sync()
}

func (b *folderBlobs) open(name string) (Blob, error) { return openBlob(b.fs, name, b.aead) }

// openBlob opens a blob in a folder.
func openBlob(folder vfs.FS, name string, aead cipher.AEAD) (Blob, error) {
	f, err := folder.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("spool: blob %s: %w", name, err)
	}
	blob, err := newFileBlob(f, name, aead)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return blob, nil
}

// remove deletes a blob without a sync. After a loss of power it may be back; then the next
// Open finds that no record names it, and deletes it again.
func (b *folderBlobs) remove(name string) error {
	err := b.fs.Remove(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.bytes -= b.files[name].size
		delete(b.files, name)
	}
	if err != nil {
		return fmt.Errorf("spool: blob %s: %w", name, err)
	}
	return nil
}

func (b *folderBlobs) before(t time.Time) (names []string, younger int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, file := range b.files {
		if !file.at.After(t) {
			names = append(names, name)
		} else {
			younger++
		}
	}
	return names, younger
}
