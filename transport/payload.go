package transport

import (
	"bytes"
	"io"
	"sync"
)

// payload is the body of a request that may be sent several times without a copy. It tracks its
// readers, because net/http may go on reading a body after the answer has come, until it closes the
// body; only then may the caller reuse the memory.
type payload struct {
	bytes []byte
	open  sync.WaitGroup // readers that are not closed
}

// reader returns a new reader of the whole body. Its user must close it.
func (p *payload) reader() (io.Reader, error) {
	p.open.Add(1)
	return &payloadReader{Reader: bytes.NewReader(p.bytes), done: sync.OnceFunc(p.open.Done)}, nil
}

// wait returns once every reader is closed.
func (p *payload) wait() { p.open.Wait() }

// payloadReader is one reader of a payload.
type payloadReader struct {
	*bytes.Reader
	done func() // may be called again
}

// Close implements io.Closer.
func (r *payloadReader) Close() error {
	r.done()
	return nil
}
