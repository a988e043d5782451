package transport

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// codingZstd is the content coding of compressed batches (RFC 8878, RFC 9659).
const codingZstd = "zstd"

// minCompressed is the smallest body, in bytes, that is compressed. A smaller one goes
// into a packet as it is.
const minCompressed = 1 << 10

// maxMatch is how far back the encoder looks for repetitions, in bytes. It keeps that
// much memory, and lines repeat what is near: the rest of their turn.
const maxMatch = 1 << 20

// What is known of a server.
const (
	unasked   int32 = iota // it has not said that it takes compressed bodies
	offered                // it has said so
	withdrawn              // it has said so, and did not take one: for good
)

// compression decides which bodies are compressed, and compresses them. It may be used
// concurrently.
type compression struct {
	pointless bool         // the server is on this machine; immutable once in use
	server    atomic.Int32 // unasked, offered or withdrawn

	mu      sync.Mutex
	encoder *zstd.Encoder // guarded by mu; nil until it is needed
	spare   []byte        // guarded by mu; memory for the next body, nil while a Send uses it
}

// learn notes what an answer that took a batch says about compressed ones.
func (c *compression) learn(header http.Header) {
	if accepts(header, codingZstd) {
		c.server.CompareAndSwap(unasked, offered)
	}
}

// withdraw makes all further bodies go as they are.
func (c *compression) withdraw() { c.server.Store(withdrawn) }

// pack compresses a body, or returns false for one that is to be sent as it is. The
// caller gives the result back with release.
func (c *compression) pack(body []byte) ([]byte, bool) {
	if len(body) < minCompressed || c.pointless || c.server.Load() != offered {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.encoder == nil {
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(maxMatch), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, false
		}
		c.encoder = encoder
	}
	memory := c.spare
	c.spare = nil
	return c.encoder.EncodeAll(body, memory[:0]), true
}

// release takes back what pack returned.
func (c *compression) release(packed []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cap(packed) > cap(c.spare) {
		c.spare = packed
	}
}

// accepts reports whether an answer says that requests may be in a content coding: the
// Accept-Encoding of RFC 9110, section 12.5.3, where a weight of zero means no.
func accepts(header http.Header, coding string) bool {
	for _, value := range header.Values("Accept-Encoding") {
		for member := range strings.SplitSeq(value, ",") {
			name, parameters, _ := strings.Cut(member, ";")
			if strings.EqualFold(strings.TrimSpace(name), coding) {
				return weight(parameters) > 0
			}
		}
	}
	return false
}

// weight returns the weight of a member of a list (RFC 9110, section 12.4.2): 1 if none is
// given, and 0 for one that makes no sense.
func weight(parameters string) float64 {
	if strings.TrimSpace(parameters) == "" {
		return 1
	}
	name, value, _ := strings.Cut(parameters, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 0
	}
	return q
}
