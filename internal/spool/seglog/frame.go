package seglog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// The sizes of the format.
const (
	// MaxData is the longest Data of an Item, in bytes.
	MaxData = 8 << 20

	headerSize = 64                   // of a segment
	frameSize  = 24                   // of a frame, without its payload
	maxPayload = MaxData + sealedMore // of a frame, as it is on disk
	minFrame   = frameSize + 1

	maxSeq = 1 << 62 // higher numbers are damage

	// formatVersion is what is written. Version 1 had zeros in place of the lane of a
	// frame, and is read as well.
	formatVersion = 2
	oldestVersion = 1
	segmentMagic  = "TRPSEG\x1a\n"
	frameMagic    = "\xf5TRF" // 0xf5 is in no UTF-8 text
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	order      = binary.LittleEndian

	errHeader  = errors.New("seglog: segment header is damaged")
	errVersion = errors.New("seglog: segment has a format version that this program does not know")
	errFrame   = errors.New("seglog: frame is damaged")
	errShort   = errors.New("seglog: frame is longer than what is there")
)

// header is the beginning of a segment:
//
//	 0  magic    8 bytes "TRPSEG" 1a 0a
//	 8  version  u32     2
//	12  zero     u32
//	16  origin   16 bytes
//	32  first    u64     sequence number of the first record
//	40  created  i64     nanoseconds since 1970
//	48  follows  u64     the last sequence number before this segment that was
//	                     written: what lies between follows and first was never on disk
//	56  zero     u32
//	60  crc      u32     CRC32C of bytes 0 to 59
//
// All numbers are little endian.
type header struct {
	origin  [16]byte
	first   uint64
	created time.Time
	follows uint64
}

func appendHeader(dst []byte, h header) []byte {
	var b [headerSize]byte
	copy(b[:], segmentMagic)
	order.PutUint32(b[8:], formatVersion)
	copy(b[16:], h.origin[:])
	order.PutUint64(b[32:], h.first)
	order.PutUint64(b[40:], uint64(h.created.UnixNano()))
	order.PutUint64(b[48:], h.follows)
	order.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return append(dst, b[:]...)
}

func parseHeader(b []byte) (header, error) {
	if len(b) < headerSize || string(b[:8]) != segmentMagic ||
		crc32.Checksum(b[:60], castagnoli) != order.Uint32(b[60:]) {
		return header{}, errHeader
	}
	if v := order.Uint32(b[8:]); v < oldestVersion || v > formatVersion {
		return header{}, fmt.Errorf("%w: %d", errVersion, v)
	}
	h := header{
		first:   order.Uint64(b[32:]),
		created: time.Unix(0, int64(order.Uint64(b[40:]))),
		follows: order.Uint64(b[48:]),
	}
	copy(h.origin[:], b[16:])
	if h.first == 0 || h.first > maxSeq || h.follows >= h.first {
		return header{}, errHeader
	}
	return h, nil
}

// frame is one record in a segment:
//
//	 0  magic     4 bytes f5 "TRF"
//	 4  len       u32     of the payload as it is here: 1 to 8 MiB, and 28 more if sealed
//	 8  seq       u64     one more than that of the frame before
//	16  kind      u8
//	17  flags     u8      bit 0: the payload is sealed
//	18  lane      u16     Item.Lane
//	20  crc       u32     CRC32C of bytes 0 to 19 and the payload
//	24  payload
type frame struct {
	seq     uint64
	kind    Kind
	lane    uint16
	sealed  bool
	payload []byte // a part of the buffer it was parsed from
}

const flagSealed = 1

// dataLen is how long the payload is in plain.
func (f *frame) dataLen() int {
	if f.sealed {
		return len(f.payload) - sealedMore
	}
	return len(f.payload)
}

// size is the length of the frame in the file.
func (f *frame) size() int { return frameSize + len(f.payload) }

// beginFrame appends the header of a frame; the payload is appended by the caller and
// endFrame completes the header.
func beginFrame(dst []byte, seq uint64, kind Kind, flags byte, lane uint16) []byte {
	var b [frameSize]byte
	copy(b[:], frameMagic)
	order.PutUint64(b[8:], seq)
	b[16], b[17] = byte(kind), flags
	order.PutUint16(b[18:], lane)
	return append(dst, b[:]...)
}

// endFrame fills in length and checksum of the frame that begins at b[0] and is b.
func endFrame(b []byte) {
	order.PutUint32(b[4:], uint32(len(b)-frameSize))
	crc := crc32.Checksum(b[:20], castagnoli)
	order.PutUint32(b[20:], crc32.Update(crc, castagnoli, b[frameSize:]))
}

// frameLen returns how long the frame that begins at b[0] says it is, or errFrame if no
// frame begins there, or errShort if b is too short to say.
func frameLen(b []byte) (int, error) {
	if len(b) < frameSize {
		if !bytes.HasPrefix([]byte(frameMagic), b[:min(len(b), 4)]) {
			return 0, errFrame
		}
		return frameSize, errShort
	}
	n := order.Uint32(b[4:])
	if string(b[:4]) != frameMagic || n == 0 || n > maxPayload || b[17]&^flagSealed != 0 {
		return 0, errFrame
	}
	return frameSize + int(n), nil
}

// parseFrame parses the frame at the beginning of b. It returns errShort if more bytes
// are needed than b has, errFrame if there is no valid frame.
func parseFrame(b []byte) (frame, error) {
	n, err := frameLen(b)
	if err != nil {
		return frame{}, err
	}
	if len(b) < n {
		return frame{}, errShort
	}
	crc := crc32.Checksum(b[:20], castagnoli)
	if crc32.Update(crc, castagnoli, b[frameSize:n]) != order.Uint32(b[20:]) {
		return frame{}, errFrame
	}
	return frame{
		seq:     order.Uint64(b[8:]),
		kind:    Kind(b[16]),
		lane:    order.Uint16(b[18:]),
		sealed:  b[17]&flagSealed != 0,
		payload: b[frameSize:n:n],
	}, nil
}
