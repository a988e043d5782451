package spool

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math"
	"sync"
	"time"
)

// blobNameDigits is the length of the name of a blob: hexadecimal, lower case.
const blobNameDigits = 32

// blobs stores the blobs of a spool, on disk or in memory. All methods may be called
// concurrently.
type blobs interface {
	put(name string, r io.Reader, limit int64) (int64, error)
	sync(name string) error
	open(name string) (Blob, error)
	remove(name string) error
	// before returns the names of the complete blobs that were put up to a time, and
	// how many younger ones there are.
	before(t time.Time) (names []string, younger int)
}

// PutBlob stores the content of r under a name of 32 hexadecimal digits and returns its
// length. It fails with ErrTooLarge above limit bytes, with ErrNoRoom if all blobs together
// would exceed their limit (see Config.Log), with fs.ErrExist if the name is taken, and with
// the error of r; after an error nothing is left. The blob survives the process, but a loss
// of power only after SyncBlob.
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

// OpenBlob opens a blob for reading. It returns fs.ErrNotExist if there is none of that name.
func (s *Spool) OpenBlob(name string) (Blob, error) {
	if err := checkBlobName(name); err != nil {
		return nil, err
	}
	return s.blobs.open(name)
}

// RemoveBlob removes a blob. It returns fs.ErrNotExist if there is none of that name.
func (s *Spool) RemoveBlob(name string) error {
	if err := checkBlobName(name); err != nil {
		return err
	}
	return s.blobs.remove(name)
}

// checkBlobName refuses other names before they reach the file system: a name comes from a
// record, and a damaged record must not be able to point outside the folder.
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

// memoryBlobs are blobs of a spool without a disk.
type memoryBlobs struct {
	limit int64 // of all together, in bytes; 0 means no limit

	mu      sync.Mutex
	content map[string]memoryContent // guarded by mu
	bytes   int64                    // guarded by mu; of all contents
}

// memoryContent is a blob in memory. It does not change.
type memoryContent struct {
	data []byte
	at   time.Time // when it was put
}

func newMemoryBlobs(limit int64) *memoryBlobs {
	return &memoryBlobs{limit: limit, content: map[string]memoryContent{}}
}

// put reads the content before it takes mu, because r may be slow. So the room is checked
// twice: first to bound the read, then, under mu, to count it.
func (b *memoryBlobs) put(name string, r io.Reader, limit int64) (int64, error) {
	room := b.room()
	bound := min(limit, room)
	content, err := io.ReadAll(io.LimitReader(r, bound+1))
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
	case size > bound, b.limit > 0 && b.bytes+size > b.limit: // it is cut off, or there is no room any more
		return 0, fmt.Errorf("spool: blob %s: %w: the limit for all blobs in memory is %d bytes", name, ErrNoRoom, b.limit)
	}
	b.content[name] = memoryContent{content, time.Now()}
	b.bytes += size
	return size, nil
}

// room returns the number of bytes that can still be stored.
func (b *memoryBlobs) room() int64 {
	if b.limit <= 0 {
		return math.MaxInt64 - 1
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.limit-b.bytes, 0)
}

// sync only checks that the blob exists: content in memory cannot become more durable.
func (b *memoryBlobs) sync(name string) error {
	_, err := b.find(name)
	return err
}

// open returns a reader of the content, which stays valid after the blob is removed.
func (b *memoryBlobs) open(name string) (Blob, error) {
	content, err := b.find(name)
	if err != nil {
		return nil, err
	}
	return &memoryBlob{*bytes.NewReader(content.data)}, nil
}

func (b *memoryBlobs) remove(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.content[name]
	if !ok {
		return fmt.Errorf("spool: blob %s: %w", name, fs.ErrNotExist)
	}
	delete(b.content, name)
	b.bytes -= int64(len(content.data))
	return nil
}

func (b *memoryBlobs) before(t time.Time) (names []string, younger int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, content := range b.content {
		if !content.at.After(t) {
			names = append(names, name)
		} else {
			younger++
		}
	}
	return names, younger
}

// find returns a blob by name, or fs.ErrNotExist.
func (b *memoryBlobs) find(name string) (memoryContent, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.content[name]
	if !ok {
		return memoryContent{}, fmt.Errorf("spool: blob %s: %w", name, fs.ErrNotExist)
	}
	return content, nil
}
