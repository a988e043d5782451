package fold

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/troupelog/troupe/internal/protocol"
)

// Key identifies an entity among all repositories. The zero Key names none. Being
// a hash, it needs no lookup and can be made by any collector.
type Key [16]byte

// KeyOf returns the key of an entity. Ids that a client had to make safe and the same ids
// as others send them have one key; so have a trace and its spans from OpenTelemetry,
// whose trace id is that of [protocol.TraceIDOf].
//
// The first half is that of the SHA-256 of the safe id, which is the span id by which
// OpenTelemetry knows an entity below a trace: see [Origin]. The second half is that of
// the SHA-256 of the kind, the length of the repository's name, that name and the safe id.
// For a trace its trace id stands in place of the safe id.
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
