package fold

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/troupelog/troupe/internal/protocol"
)

// Key identifies an entity across all repositories. The zero Key names none. It is a
// hash, so any collector can compute it without a lookup.
type Key [16]byte

// KeyOf returns the key of an entity. An id that a client made safe and the original id
// sent by another client give the same key. So do a trace and its OpenTelemetry spans
// if their trace id is the one that [protocol.TraceIDOf] derives.
//
// The first half is taken from the SHA-256 of the safe id. It is the span id that
// OpenTelemetry uses for an entity below a trace: see [Origin]. The second half is taken from
// the SHA-256 of the kind, the length of the repository's name, that name and the safe id.
// For a trace, its trace id takes the place of the safe id.
func KeyOf(repo string, ref protocol.Ref) (k Key) {
	id := protocol.SafeID(ref.ID)
	if ref.Kind == protocol.Trace {
		id = protocol.TraceIDOf(id).String()
	}
	buf := make([]byte, 0, 128)
	buf = append(buf, byte(ref.Kind))
	buf = binary.AppendUvarint(buf, uint64(len(repo)))
	buf = append(buf, repo...)
	buf = append(buf, id...)
	first, second := sha256.Sum256([]byte(id)), sha256.Sum256(buf)
	copy(k[:8], first[:])
	copy(k[8:], second[:])
	return k
}
