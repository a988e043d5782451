package spool

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// A blob file is a header and chunks of up to chunkBytes of content, each followed by its
// seal: the tag of the AEAD, or a CRC-32C if the blob is not encrypted.
//
//	 0  magic    4 bytes "TRPB"
//	 4  version  u8      1
//	 5  flags    u8      bit 0: the chunks are sealed
//	 6  zero     u8
//	 7  prefix   9 bytes of every nonce; random if sealed, else zero
//	16  chunk, seal, chunk, seal ...
//
// All chunks but the last are full. The last one is marked in its number, which the seal
// covers, so that a file that was cut anywhere is recognised.
const (
	blobHeaderBytes = 16
	blobMagic       = "TRPB"
	blobVersion     = 1
	flagSealed      = 1 // the chunks are encrypted

	nonceBytes  = 12
	prefixBytes = 9 // of a nonce: random for each file; the other 3 bytes number the chunk
	chunkBytes  = 64 << 10
	crcBytes    = 4

	// lastChunk is set in the number of the last chunk.
	lastChunk = 1 << 23
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// blobCodec seals and opens the chunks of one blob. It is used by one goroutine.
type blobCodec struct {
	header [blobHeaderBytes]byte
	aead   cipher.AEAD // nil: CRC-32C
	// extra is covered by every seal in addition to the chunk and its number: the header
	// and the name, so that neither can be exchanged.
	extra []byte
}

// newBlobCodec returns the codec of a new blob.
func newBlobCodec(name string, aead cipher.AEAD) *blobCodec {
	c := &blobCodec{aead: aead}
	copy(c.header[:], blobMagic)
	c.header[4] = blobVersion
	if aead != nil {
		c.header[5] = flagSealed
		_, _ = rand.Read(c.header[blobHeaderBytes-prefixBytes:]) // it never fails
	}
	c.extra = append(c.header[:], name...)
	return c
}

// readBlobCodec returns the codec of a blob that was written before.
func readBlobCodec(name string, aead cipher.AEAD, f io.ReaderAt) (*blobCodec, error) {
	c := &blobCodec{}
	if _, err := f.ReadAt(c.header[:], 0); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: blob %s has no header", ErrDamaged, name)
	} else if err != nil {
		return nil, err
	}
	switch {
	case string(c.header[:4]) != blobMagic || c.header[4] != blobVersion || c.header[5]&^flagSealed != 0:
		return nil, fmt.Errorf("%w: blob %s has a header that this version does not know", ErrDamaged, name)
	case c.header[5] == flagSealed && aead == nil:
		return nil, fmt.Errorf("%w: blob %s", ErrKey, name)
	case c.header[5] == flagSealed:
		c.aead = aead
	}
	c.extra = append(c.header[:], name...)
	return c, nil
}

// overhead returns the length of the seal of a chunk.
func (c *blobCodec) overhead() int64 {
	if c.aead != nil {
		return int64(c.aead.Overhead())
	}
	return crcBytes
}

// size returns the length of the content in a file of the given length. It returns false if
// no blob file can have that length.
func (c *blobCodec) size(file int64) (int64, bool) {
	stored := file - blobHeaderBytes
	full := chunkBytes + c.overhead()
	chunks := (stored + full - 1) / full
	rest := stored - (chunks-1)*full - c.overhead()
	if chunks < 1 || rest < 0 || rest == 0 && chunks > 1 {
		return 0, false
	}
	return (chunks-1)*chunkBytes + rest, true
}

// seal appends a sealed chunk to dst, which must not overlap it.
func (c *blobCodec) seal(dst, chunk []byte, number uint32) []byte {
	if c.aead != nil {
		return c.aead.Seal(dst, c.nonce(number), chunk, c.extra)
	}
	dst = append(dst, chunk...)
	return binary.LittleEndian.AppendUint32(dst, c.checksum(chunk, number))
}

// open returns the content of a sealed chunk, in its place.
func (c *blobCodec) open(sealed []byte, number uint32) ([]byte, bool) {
	if c.aead != nil {
		chunk, err := c.aead.Open(sealed[:0], c.nonce(number), sealed, c.extra)
		return chunk, err == nil
	}
	end := len(sealed) - crcBytes
	return sealed[:end], binary.LittleEndian.Uint32(sealed[end:]) == c.checksum(sealed[:end], number)
}

// nonce is the prefix and 3 bytes of the chunk's number.
func (c *blobCodec) nonce(number uint32) []byte {
	nonce := make([]byte, 0, nonceBytes)
	nonce = append(nonce, c.header[blobHeaderBytes-prefixBytes:]...)
	return append(nonce, byte(number>>16), byte(number>>8), byte(number))
}

// checksum covers the header, the name and the number too, so that a chunk that was moved to
// another place or blob is recognised.
func (c *blobCodec) checksum(chunk []byte, number uint32) uint32 {
	sum := crc32.Update(0, castagnoli, c.extra)
	sum = crc32.Update(sum, castagnoli, binary.LittleEndian.AppendUint32(nil, number))
	return crc32.Update(sum, castagnoli, chunk)
}

// write writes header and content, at most limit bytes of it, and returns its length.
func (c *blobCodec) write(f io.WriterAt, r io.Reader, limit int64) (int64, error) {
	if _, err := f.WriteAt(c.header[:], 0); err != nil {
		return 0, err
	}
	r = io.LimitReader(r, min(limit, math.MaxInt64-1)+1)
	chunk, next := make([]byte, chunkBytes), make([]byte, chunkBytes)
	sealed := make([]byte, 0, chunkBytes+c.overhead())
	size, at := int64(0), int64(blobHeaderBytes)
	n, err := readChunk(r, chunk)
	for number := uint32(0); err == nil; number++ {
		var ahead int
		if ahead, err = readChunk(r, next); err != nil {
			break
		}
		if size += int64(n); size > limit {
			return 0, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, limit)
		}
		if number >= lastChunk {
			return 0, fmt.Errorf("%w: a blob holds %d bytes at most", ErrTooLarge, int64(lastChunk)*chunkBytes)
		}
		if ahead == 0 {
			number |= lastChunk
		}
		sealed = c.seal(sealed[:0], chunk[:n], number)
		if _, err = f.WriteAt(sealed, at); err != nil || ahead == 0 {
			break
		}
		at += int64(len(sealed))
		chunk, next, n = next, chunk, ahead
	}
	return size, err
}

// readChunk fills p, or less at the end of r.
func readChunk(r io.Reader, p []byte) (int, error) {
	n, err := io.ReadFull(r, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}
