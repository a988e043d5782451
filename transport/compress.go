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

// minCompressed is the size in bytes of the smallest body that is compressed. A smaller one fits
// into a packet anyway.
const minCompressed = 1 << 10

// maxMatch is the window of the encoder, in bytes: the distance over which it finds repetitions, and
// the memory that it keeps. Lines mostly repeat parts of the same turn, so a small window is enough.
const maxMatch = 1 << 20

// States of a server.
const (
	unasked   int32 = iota // it has not announced that it accepts compressed bodies
	offered                // it has announced that
	withdrawn              // it has refused one all the same; this state is final
)

// compression decides which bodies are compressed, and compresses them. It may be used
// concurrently; bodies are compressed one at a time, with one encoder, to limit its memory.
type compression struct {
	pointless bool         // the server is on this machine, so nothing is compressed; immutable
	server    atomic.Int32 // unasked, offered or withdrawn

	mu      sync.Mutex
	encoder *zstd.Encoder // guarded by mu; nil before the first body
	spare   []byte        // guarded by mu; memory for the next body, nil while a Send uses it
}

// learn reads the announcement in an answer that accepted a batch.
func (c *compression) learn(header http.Header) {
	if accepts(header, codingZstd) {
		c.server.CompareAndSwap(unasked, offered)
	}
}

// withdraw stops compression for good.
func (c *compression) withdraw() { c.server.Store(withdrawn) }

// pack compresses a body, or returns false if the body is to be sent uncompressed. The caller gives
// the result back with release.
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

// release takes back the memory that pack returned.
func (c *compression) release(packed []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cap(packed) > cap(c.spare) {
		c.spare = packed
	}
}

// accepts reports whether an answer announces that requests may use a content coding, in the
// Accept-Encoding of RFC 9110, section 12.5.3. A weight of zero means that they may not.
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

// weight returns the weight of a member of a list (RFC 9110, section 12.4.2): 1 if there is none,
// and 0 if it is malformed.
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
