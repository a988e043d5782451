package llm

import (
	"bytes"
	"io"
	"sync"

	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/protocol"
)

// capture is what is kept of what went through, up to a limit in bytes: all of it, or of
// more what oversize.Filter keeps.
type capture struct {
	buf    []byte
	limit  int
	cut    bool // there was more
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

// keptDepth is how deep the values of a request may be nested. It leaves room for what
// a line has around them.
const keptDepth = protocol.MaxDepth - 8

// done ends the capture.
func (c *capture) done() capture {
	if c.filter == nil {
		return *c
	}
	kept := capture{limit: c.limit, cut: true}
	kept.buf, kept.cuts, _ = c.filter.Result()
	return kept
}

// flattened returns a capture without the values that are nested too deeply.
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
	taken   bool    // guarded by mu; nothing is copied any more
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

// take returns what was sent so far. A transport may go on sending.
func (b *sentBody) take() capture {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = true
	return b.capture.done()
}

// mended makes JSON that was cut off valid: it leaves out the last value, which may be
// incomplete, and closes what is open. It is nil if nothing is left.
func mended(cut []byte) []byte {
	var open, then []byte // the brackets to close, now and at the end of what is kept
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

// textEnd returns how many bytes of b, which begins within a string, are up to and with
// the quote that ends it; -1 if none does.
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
		i++ // what is escaped
	}
	return -1
}
