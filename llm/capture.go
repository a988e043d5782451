package llm

import (
	"bytes"
	"io"
	"sync"

	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/protocol"
)

// capture keeps a body up to a limit in bytes: the whole body if it fits, else the excerpt
// that oversize.Filter selects.
type capture struct {
	buf    []byte
	limit  int
	cut    bool // the body exceeded the limit
	cuts   []oversize.Cut
	filter *oversize.Filter // nil as long as everything fits
}

func (c *capture) write(p []byte) {
	if c.filter == nil {
		if len(c.buf)+len(p) <= c.limit {
			c.buf = append(c.buf, p...)
			return
		}
		c.filter = oversize.NewFilter(c.limit, keptDepth)
		c.filter.Write(c.buf)
		c.buf = nil
	}
	c.filter.Write(p)
}

// keptDepth limits the nesting of values in a request. It leaves room for the levels that a
// log line adds around them.
const keptDepth = protocol.MaxDepth - 8

// done ends the capture and returns it.
func (c *capture) done() capture {
	if c.filter == nil {
		return *c
	}
	kept := capture{limit: c.limit, cut: true}
	kept.buf, kept.cuts, _ = c.filter.Result()
	return kept
}

// flattened returns the capture without values that are nested too deeply.
func (c *capture) flattened() capture {
	f := oversize.NewFilter(c.limit, keptDepth)
	f.Write(c.buf)
	flat := capture{limit: c.limit, cut: true}
	flat.buf, flat.cuts, _ = f.Result()
	flat.cuts = append(flat.cuts, c.cuts...)
	return flat
}

// sentBody copies a request body as the transport reads it.
type sentBody struct {
	io.ReadCloser

	mu      sync.Mutex
	capture capture // guarded by mu
	taken   bool    // nothing more is copied
}

// Read implements io.Reader.
func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && n <= len(p) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.taken {
			b.capture.write(p[:n])
		}
	}
	return n, err
}

// take returns the bytes sent so far and stops copying. The transport may go on sending.
func (b *sentBody) take() capture {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = true
	return b.capture.done()
}

// mended makes truncated JSON valid: it drops the last value, which may be incomplete, and
// closes all open brackets. It returns nil if nothing is left.
func mended(cut []byte) []byte {
	var open, then []byte // the brackets to close, now and at the end of the kept part
	keep := 0
	for i := 0; i < len(cut); i++ {
		switch c := cut[i]; c {
		case '"':
			end := textEnd(cut[i+1:])
			if end < 0 {
				i = len(cut)
				break
			}
			i += end
		case '{':
			open = append(open, '}')
		case '[':
			open = append(open, ']')
		case ',':
			keep, then = i, append(then[:0], open...)
		case '}', ']':
			if len(open) == 0 || open[len(open)-1] != c {
				return nil
			}
			open = open[:len(open)-1]
			keep, then = i+1, append(then[:0], open...)
		}
	}
	if keep == 0 {
		return nil
	}
	whole := bytes.Clone(cut[:keep])
	for i := len(then) - 1; i >= 0; i-- {
		whole = append(whole, then[i])
	}
	return whole
}

// textEnd returns the length of the rest of a string in b, which begins within the string,
// including the closing quote. It returns -1 if there is no closing quote.
func textEnd(b []byte) int {
	for i := 0; i < len(b); i++ {
		n := bytes.IndexAny(b[i:], `"\`)
		if n < 0 {
			return -1
		}
		i += n
		if b[i] == '"' {
			return i + 1
		}
		i++ // skip the escaped character
	}
	return -1
}
