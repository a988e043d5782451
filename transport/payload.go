package transport

import (
	"bytes"
	"io"
	"sync"
)

// payload is the body of a request that may be sent several times without a copy. It
// knows when nobody reads it any more: net/http may go on reading a body after the
// answer came, until it closes it.
type payload struct {
	bytes []byte
	open  sync.WaitGroup
}

// reader returns a new reader over the whole body; its user must close it.
func (p *payload) reader() (io.Reader, error) {
	p.open.Add(1)
	return &payloadReader{Reader: bytes.NewReader(p.bytes), done: sync.OnceFunc(p.open.Done)}, nil
}

// wait returns when every reader is closed.
func (p *payload) wait() { p.open.Wait() }

type payloadReader struct {
	*bytes.Reader
	done func() // safe to call again
}

// Close implements io.Closer.
func (r *payloadReader) Close() error {
	r.done()
	return nil
}
