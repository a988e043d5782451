package seglog

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

const (
	// formatVersion is the version that is written; older ones are read. Version 1 had
	// zeros in place of the lane of a frame; versions 1 and 2 had a single header block,
	// without a clock.
	formatVersion = 3
	oldestVersion = 1
	segmentMagic  = "TRPSEG\x1a\n"

	blockSize  = 64            // of a header block, and of a slot of the cursor
	headerSize = 2 * blockSize // of a segment, since version 3; before it was one block
)

var (
	errHeader  = errors.New("seglog: segment header is damaged; its records carry checksums of their own, and the sound ones are read")
	errOrigin  = errors.New("seglog: segment header is lost, and with it what opens the sealed records; nothing of it can be read")
	errVersion = errors.New("seglog: segment has a format version that this program does not know")
)

// header is the beginning of a segment: this block, twice.
//
//	 0  magic    8 bytes "TRPSEG" 1a 0a
//	 8  version  u32     3
//	12  clock    u32     seconds on the clock of the log when the segment was begun,
//	                     rounded up; 0 in versions 1 and 2
//	16  origin   16 bytes
//	32  first    u64     sequence number of the first record
//	40  created  i64     nanoseconds since 1970; nobody relies on it
//	48  follows  u64     the last sequence number before this segment that was
//	                     written: numbers between follows and first were never on disk
//	56  zero     u32
//	60  crc      u32     CRC32C of bytes 0 to 59
//
// All numbers are little endian. Versions 1 and 2 have the block once.
type header struct {
	origin  [16]byte
	first   uint64
	created time.Time
	follows uint64
	clock   time.Duration // 0: not known
	start   int64         // where the frames begin: headerSize, or blockSize in versions 1 and 2
}

// appendHeader appends a header, in the form of version 2 if h.start says so.
func appendHeader(dst []byte, h header) []byte {
	var b [blockSize]byte
	copy(b[:], segmentMagic)
	order.PutUint32(b[8:], formatVersion)
	order.PutUint32(b[12:], uint32((h.clock+time.Second-1)/time.Second))
	if h.start == blockSize {
		order.PutUint32(b[8:], formatVersion-1)
		order.PutUint32(b[12:], 0)
	}
	copy(b[16:], h.origin[:])
	order.PutUint64(b[32:], h.first)
	order.PutUint64(b[40:], uint64(h.created.UnixNano()))
	order.PutUint64(b[48:], h.follows)
	order.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	if h.start == blockSize {
		return append(dst, b[:]...)
	}
	return append(append(dst, b[:]...), b[:]...)
}

// readHeader parses the header of a segment that begins with b, which is headerSize bytes
// or all of the file. One whole block is enough, and one flipped bit in a block is put
// right; damaged says that something is wrong all the same. The error is errHeader if
// nothing is known of the header, or errVersion.
func readHeader(b []byte) (h header, damaged bool, err error) {
	one, two := b[:min(len(b), blockSize)], b[min(len(b), blockSize):]
	h, err = parseHeader(one)
	if !errors.Is(err, errHeader) {
		return h, h.start == headerSize && len(two) == blockSize && !bytes.Equal(one, two), err
	}
	mended, _ := mend(one)
	again, _ := mend(two)
	for i, block := range [][]byte{two, mended, again} {
		h, err = parseHeader(block)
		// In versions 1 and 2 there are frames in place of the second block.
		if !errors.Is(err, errHeader) && (i == 1 || h.start != blockSize) {
			return h, true, err
		}
	}
	return header{}, true, errHeader
}

// parseHeader parses a block.
func parseHeader(b []byte) (header, error) {
	if len(b) < blockSize || string(b[:8]) != segmentMagic || !checked(b) {
		return header{}, errHeader
	}
	v := order.Uint32(b[8:])
	if v < oldestVersion || v > formatVersion {
		return header{}, fmt.Errorf("%w: %d", errVersion, v)
	}
	h := header{
		first:   order.Uint64(b[32:]),
		created: time.Unix(0, int64(order.Uint64(b[40:]))),
		follows: order.Uint64(b[48:]),
		clock:   time.Duration(order.Uint32(b[12:])) * time.Second,
		start:   headerSize,
	}
	if v < formatVersion {
		h.start, h.clock = blockSize, 0
	}
	copy(h.origin[:], b[16:])
	if h.first == 0 || h.first > maxSeq || h.follows >= h.first {
		return header{}, errHeader
	}
	return h, nil
}

// mend returns a copy of a block in which one flipped bit is put right. Two blocks with
// right checksums differ in at least six bits, so no other block can have been meant.
func mend(b []byte) (whole []byte, ok bool) {
	if len(b) < blockSize {
		return nil, false
	}
	whole = bytes.Clone(b)
	for i := range 8 * len(whole) {
		whole[i/8] ^= 1 << (i % 8)
		if checked(whole) {
			return whole, true
		}
		whole[i/8] ^= 1 << (i % 8)
	}
	return nil, false
}

// checked reports whether a block ends with the checksum of the rest.
func checked(b []byte) bool {
	return crc32.Checksum(b[:60], castagnoli) == order.Uint32(b[60:])
}
