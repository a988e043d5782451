package transport

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// content is the body of an upload. It yields exactly the announced number of bytes, or fails. It
// fails before the last byte, so that a server never has a complete request with wrong content.
type content struct {
	source io.Reader
	size   int64
	left   int64 // owned by the reader
	err    error // of the content, or nil; owned by the reader

	released chan struct{} // closed when the reader is done
	release  func()        // closes released; may be called again
}

// newContent returns a body that reads size bytes from source. It does not close source.
func newContent(source io.Reader, size int64) *content {
	released := make(chan struct{})
	return &content{
		source: source, size: size, left: size,
		released: released, release: sync.OnceFunc(func() { close(released) }),
	}
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.source.Read(p[:min(int64(len(p)), c.left)])
	rest := c.left - int64(n)
	switch {
	case rest == 0:
		c.err = c.end(err)
	case errors.Is(err, io.EOF):
		c.err = fmt.Errorf("%w: it has %d bytes", errLength, c.size-rest)
	default:
		c.err = err
	}
	if c.err != nil {
		return 0, c.err
	}
	c.left = rest
	return n, nil
}

// errLength is the error for content whose length is not the announced one.
var errLength = errors.New("the content has another length than announced")

// end checks that no byte follows the last one, which was read with err. A file that has grown
// since its size was announced is not cut: it fails.
func (c *content) end(err error) error {
	if err == nil {
		var next [1]byte
		_, err = io.ReadFull(c.source, next[:])
	}
	switch {
	case err == nil:
		return fmt.Errorf("%w: it has more than %d bytes", errLength, c.size)
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// Close implements io.Closer. The caller must not read any more. The source stays open.
func (c *content) Close() error {
	c.release()
	return nil
}

// wait returns after the reader has called Close. Only then may other goroutines use left and err.
func (c *content) wait() { <-c.released }

// complete reports whether the whole content was read.
func (c *content) complete() bool { return c.left == 0 && c.err == nil }
