package seglog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The sizes of the format.
const (
	// MaxData is the longest Data of an Item, in bytes.
	MaxData = 8 << 20

	frameSize  = 24                   // of a frame, without its payload
	maxPayload = MaxData + sealedMore // of a frame, as it is on disk
	minFrame   = frameSize + 1

	maxSeq = 1 << 62 // higher numbers are damage

	frameMagic = "\xf5TRF" // 0xf5 is in no UTF-8 text
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	order      = binary.LittleEndian

	errFrame = errors.New("seglog: frame is damaged")
	errTail  = errors.New("seglog: segment ends with bytes that are no whole record, as a crash leaves them")
	errShort = errors.New("seglog: frame is longer than what is there")
)

// frame is one record in a segment:
//
//	 0  magic     4 bytes f5 "TRF"
//	 4  len       u32     of the payload as it is here: 1 to 8 MiB, and 28 more if sealed
//	 8  seq       u64     one more than the frame before has
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

// dataLen returns the length of the payload before it was sealed.
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
