package protocol

import "encoding/hex"

// Producer identifies a numbered source of lines, such as one slot of a spool. The zero
// value means a source that does not number its lines.
type Producer [16]byte

// String returns 32 hexadecimal digits, as HeaderProducer carries them.
func (p Producer) String() string { return hex.EncodeToString(p[:]) }

// ParseProducer reads 32 hexadecimal digits that are not all zero.
func ParseProducer(text string) (p Producer, ok bool) {
	id, err := hex.DecodeString(text)
	if err != nil || len(id) != len(p) {
		return p, false
	}
	copy(p[:], id)
	return p, p != Producer{}
}
