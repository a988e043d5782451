package seglog

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// A sealed payload is nonce (12 bytes, random) || ciphertext || tag (16 bytes). The
// additional data is origin (16) || seq (u64) || kind (1), so that a payload cannot be
// moved to another record.
const (
	nonceSize  = 12
	sealedMore = nonceSize + 16
)

var errSealed = errors.New("seglog: payload is sealed with another key, or was changed")

// box seals and opens payloads; a box without an AEAD leaves them as they are. A box is
// used by one goroutine at a time.
type box struct {
	aead cipher.AEAD
	ad   [25]byte // scratch
}

// newBox checks that the sizes of the AEAD fit the format. A nil AEAD is allowed.
func newBox(aead cipher.AEAD) (box, error) {
	if aead != nil && (aead.NonceSize() != nonceSize || aead.Overhead() > sealedMore-nonceSize) {
		return box{}, fmt.Errorf("seglog: an AEAD with a nonce of %d bytes and a tag of %d; use AES-GCM or ChaCha20-Poly1305 with a nonce of 12 and a tag of 16", aead.NonceSize(), aead.Overhead())
	}
	return box{aead: aead}, nil
}

// beside returns the additional data of a record's seal. It is valid until the next call.
func (b *box) beside(origin *[16]byte, seq uint64, kind Kind) []byte {
	copy(b.ad[:], origin[:])
	order.PutUint64(b.ad[16:], seq)
	b.ad[24] = byte(kind)
	return b.ad[:]
}

// appendFrame appends a record as a frame.
func (b *box) appendFrame(dst []byte, origin *[16]byte, e *entry) []byte {
	at := len(dst)
	if b.aead == nil {
		dst = append(beginFrame(dst, e.seq, e.kind, 0, e.lane), e.data...)
	} else {
		dst = beginFrame(dst, e.seq, e.kind, flagSealed, e.lane)
		dst = slices.Grow(dst, len(e.data)+sealedMore)
		nonce := dst[len(dst) : len(dst)+nonceSize]
		_, _ = rand.Read(nonce) // it never fails: crypto/rand
		dst = b.aead.Seal(dst[:len(dst)+nonceSize], nonce, e.data, b.beside(origin, e.seq, e.kind))
	}
	endFrame(dst[at:])
	return dst
}

// open appends the payload of f in plain to dst, or returns it as it is if it is not
// sealed.
func (b *box) open(dst []byte, origin *[16]byte, f *frame) (data, grown []byte, err error) {
	if !f.sealed {
		return f.payload, dst, nil
	}
	if b.aead == nil || len(f.payload) <= nonceSize {
		return nil, dst, errSealed
	}
	at := len(dst)
	grown, err = b.aead.Open(dst, f.payload[:nonceSize], f.payload[nonceSize:], b.beside(origin, f.seq, f.kind))
	if err != nil {
		return nil, dst, errSealed
	}
	return grown[at:len(grown):len(grown)], grown, nil
}

// originOf returns the origin of a segment whose header is lost, by one of its frames. A
// sealed frame can be opened only with the right origin: it is one of known, or else
// nothing opens the segment any more. Of a plain frame the origin is made of the frame:
// the same at each start, and no other segment's.
func (b *box) originOf(f *frame, known [][16]byte) (origin [16]byte, ok bool) {
	if f.sealed {
		for _, origin = range known {
			if _, _, err := b.open(nil, &origin, f); err == nil {
				return origin, true
			}
		}
		return origin, false
	}
	sum := sha256.Sum256(append(order.AppendUint64(nil, f.seq), f.payload...))
	copy(origin[:], sum[:])
	origin[6] = origin[6]&0x0f | 0x80 // RFC 9562: version 8,
	origin[8] = origin[8]&0x3f | 0x80 // and its variant
	return origin, true
}

// frameLen returns the length of a record's frame. If it is sealed, this is an upper bound.
func (b *box) frameLen(data []byte) int64 {
	if b.aead == nil {
		return int64(frameSize + len(data))
	}
	return int64(frameSize + sealedMore + len(data))
}
