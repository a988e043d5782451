package spool

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// Blob is the content of a blob. One goroutine uses it at a time. A read that meets
// damage fails with ErrDamaged and returns nothing of the damaged part.
type Blob interface {
	io.ReadSeekCloser
	// Size returns the length of the content in bytes.
	Size() int64
}

// fileBlob reads a blob file chunk by chunk.
type fileBlob struct {
	file  vfs.File
	name  string
	codec *blobCodec
	size  int64
	pos   int64

	buffer []byte // of one sealed chunk
	chunk  []byte // the content of chunk number at
	at     int64  // -1 if no chunk is loaded
}

// newFileBlob checks the header and the length. The chunks are checked as they are read, so
// that opening a large blob costs nothing.
func newFileBlob(f vfs.File, name string, aead cipher.AEAD) (*fileBlob, error) {
	codec, err := readBlobCodec(name, aead, f)
	if err != nil {
		return nil, err
	}
	length, err := f.Size()
	if err != nil {
		return nil, err
	}
	size, ok := codec.size(length)
	if !ok {
		return nil, fmt.Errorf("%w: blob %s has an impossible length", ErrDamaged, name)
	}
	return &fileBlob{file: f, name: name, codec: codec, size: size, at: -1}, nil
}

// Size implements Blob.
func (b *fileBlob) Size() int64 { return b.size }

// Close implements io.Closer.
func (b *fileBlob) Close() error { return b.file.Close() }

// Seek implements io.Seeker.
func (b *fileBlob) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.pos
	case io.SeekEnd:
		offset += b.size
	}
	if offset < 0 {
		return 0, errors.New("spool: seek in front of a blob")
	}
	b.pos = offset
	return offset, nil
}

// Read implements io.Reader.
func (b *fileBlob) Read(p []byte) (int, error) {
	// The one chunk of an empty blob is read as well: its seal says that it is empty.
	if b.pos >= b.size && (b.size > 0 || b.at == 0) {
		return 0, io.EOF
	}
	if err := b.load(b.pos / chunkBytes); err != nil {
		return 0, err
	}
	if b.pos >= b.size {
		return 0, io.EOF
	}
	n := copy(p, b.chunk[b.pos%chunkBytes:])
	b.pos += int64(n)
	return n, nil
}

// load makes a chunk the current one.
func (b *fileBlob) load(at int64) error {
	if b.at == at {
		return nil
	}
	b.at = -1
	length, number := int64(chunkBytes), uint32(at)
	if left := b.size - at*chunkBytes; left <= chunkBytes {
		length, number = max(left, 0), number|lastChunk
	}
	overhead := b.codec.overhead()
	if b.buffer == nil {
		b.buffer = make([]byte, min(b.size, chunkBytes)+overhead)
	}
	sealed := b.buffer[:length+overhead]
	if _, err := b.file.ReadAt(sealed, blobHeaderBytes+at*(chunkBytes+overhead)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	chunk, ok := b.codec.open(sealed, number)
	if !ok {
		return fmt.Errorf("%w: blob %s at byte %d", ErrDamaged, b.name, at*chunkBytes)
	}
	b.chunk, b.at = chunk, at
	return nil
}

// memoryBlob is a blob in memory.
type memoryBlob struct{ bytes.Reader }

// Close implements io.Closer.
func (*memoryBlob) Close() error { return nil }
