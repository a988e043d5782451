package spool

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// blobNameDigits is the length of the name of a blob: hexadecimal, lower case.
const blobNameDigits = 32

// blobs is where a spool keeps its blobs. All methods may be called concurrently.
type blobs interface {
	put(name string, r io.Reader, limit int64) (int64, error)
	sync(name string) error
	open(name string) (Blob, error)
	remove(name string) error
}

// PutBlob stores what r has to read under a name of 32 hexadecimal digits and returns
// its length. It fails with ErrTooLarge over limit bytes, with fs.ErrExist if there is
// a blob of that name, and with the error of r; then it leaves nothing. The blob
// survives the process, but a loss of power only after SyncBlob.
func (s *Spool) PutBlob(name string, r io.Reader, limit int64) (int64, error) {
	if err := checkBlobName(name); err != nil {
		return 0, err
	}
	return s.blobs.put(name, r, limit)
}

// SyncBlob makes a blob durable. A blob whose SyncBlob failed must not be relied on.
func (s *Spool) SyncBlob(name string) error {
	if err := checkBlobName(name); err != nil {
		return err
	}
	return s.blobs.sync(name)
}

// OpenBlob opens a blob for reading; fs.ErrNotExist if there is none of that name.
func (s *Spool) OpenBlob(name string) (Blob, error) {
	if err := checkBlobName(name); err != nil {
		return nil, err
	}
	return s.blobs.open(name)
}

// RemoveBlob removes a blob; fs.ErrNotExist if there is none of that name.
func (s *Spool) RemoveBlob(name string) error {
	if err := checkBlobName(name); err != nil {
		return err
	}
	return s.blobs.remove(name)
}

func checkBlobName(name string) error {
	if !isBlobName(name) {
		return fmt.Errorf("%w: a blob is named by %d hexadecimal digits", ErrName, blobNameDigits)
	}
	return nil
}

func isBlobName(name string) bool { return len(name) == blobNameDigits && isHex(name) }

// isHex reports whether all of s is hexadecimal digits in lower case.
func isHex(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}

// folderBlobs are files in a folder.
type folderBlobs struct {
	fs   vfs.FS
	aead cipher.AEAD
}

func (b *folderBlobs) put(name string, r io.Reader, limit int64) (size int64, err error) {
	f, err := b.fs.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return 0, fmt.Errorf("spool: blob %s: %w", name, err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			size, err = 0, fmt.Errorf("spool: blob %s: %w", name, err)
			_ = b.fs.Remove(name) // what cannot be removed now is at the next Open
		}
	}()
	return newBlobCodec(name, b.aead).write(f, r, limit)
}

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

func (b *folderBlobs) open(name string) (Blob, error) {
	f, err := b.fs.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("spool: blob %s: %w", name, err)
	}
	blob, err := newFileBlob(f, name, b.aead)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return blob, nil
}

func (b *folderBlobs) remove(name string) error {
	if err := b.fs.Remove(name); err != nil {
		return fmt.Errorf("spool: blob %s: %w", name, err)
	}
	return nil
}

func (b *folderBlobs) names() ([]string, error) {
	infos, err := b.fs.ReadDir()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, info := range infos {
		if info.Regular && isBlobName(info.Name) {
			names = append(names, info.Name)
		}
	}
	return names, nil
}

// memoryBlobs are blobs of a spool without a disk.
type memoryBlobs struct {
	limit int64 // of all together, in bytes; 0 is none

	mu      sync.Mutex
	content map[string][]byte // guarded by mu; nobody writes to a content
	bytes   int64             // guarded by mu; of all contents
}

func (b *memoryBlobs) put(name string, r io.Reader, limit int64) (int64, error) {
	room := b.room()
	content, err := io.ReadAll(io.LimitReader(r, min(limit, room)+1))
	size := int64(len(content))
	b.mu.Lock()
	defer b.mu.Unlock()
	_, exists := b.content[name]
	switch {
	case err != nil:
		return 0, fmt.Errorf("spool: blob %s: %w", name, err)
	case exists:
		return 0, fmt.Errorf("spool: blob %s: %w", name, fs.ErrExist)
	case size > limit:
		return 0, fmt.Errorf("spool: blob %s: %w: it has more than %d bytes", name, ErrTooLarge, limit)
	case b.limit > 0 && b.bytes+size > b.limit:
		return 0, fmt.Errorf("spool: blob %s: %w: all together may have %d bytes", name, ErrNoRoom, b.limit)
	}
	b.content[name] = content
	b.bytes += size
	return size, nil
}

// room returns how many bytes there is room for.
func (b *memoryBlobs) room() int64 {
	if b.limit <= 0 {
		return math.MaxInt64 - 1
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.limit-b.bytes, 0)
}

// sync has nothing to do: what is in memory is as safe as it gets.
func (b *memoryBlobs) sync(name string) error {
	_, err := b.find(name)
	return err
}

func (b *memoryBlobs) open(name string) (Blob, error) {
	content, err := b.find(name)
	if err != nil {
		return nil, err
	}
	return &memoryBlob{*bytes.NewReader(content)}, nil
}

func (b *memoryBlobs) remove(name string) error {
	content, err := b.find(name)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.content, name)
	b.bytes -= int64(len(content))
	return nil
}

func (b *memoryBlobs) find(name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.content[name]
	if !ok {
		return nil, fmt.Errorf("spool: blob %s: %w", name, fs.ErrNotExist)
	}
	return content, nil
}
