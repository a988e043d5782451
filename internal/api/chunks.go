package api

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"weak"

	"github.com/troupelog/troupe/internal/protocol"
)

const (
	firstChunk = 8 << 10  // bytes that a request holds before it has sent anything
	chunkSize  = 64 << 10 // bytes of further chunks
)

// chunks are parts of bodies that are being read. They are reused, so that bodies refused for
// their size leave no garbage.
var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// readAll reads at most limit bytes, whose memory it takes from share.
func readAll(reader io.Reader, limit int, share *share) ([]byte, error) {
	first := make([]byte, firstChunk)
	n, err := fill(reader, first, share)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, &http.MaxBytesError{Limit: protocol.MaxDecodedBody}
	}
	if n < len(first) {
		return first[:n], nil
	}
	var full []*[chunkSize]byte
	defer func() {
		for _, c := range full {
			chunks.Put(c)
		}
	}()
	size := n
	for n = chunkSize; n == chunkSize; {
		c := chunks.Get().(*[chunkSize]byte) //nolint:forcetypeassert // the pool has nothing else
		full = append(full, c)
		if n, err = fill(reader, c[:], share); err != nil {
			return nil, err
		}
		if size += n; size > limit {
			return nil, &http.MaxBytesError{Limit: protocol.MaxDecodedBody}
		}
	}
	// The size is known now: the body is allocated once and copied once.
	body := append(make([]byte, 0, size), first...)
	for _, c := range full {
		body = append(body, c[:min(chunkSize, size-len(body))]...)
	}
	return body, nil
}

// refused is the memory of the last body that readSized refused, until the next garbage
// collection. Reusing it keeps a client that sends many such bodies from growing the heap
// by one of them for each request.
var refused struct {
	sync.Mutex
	body weak.Pointer[[]byte] // guarded by the mutex
}

// readSized is readAll for a body that is likely to have size bytes. Such a body is read
// into its final place, so it is never in memory twice.
func readSized(reader io.Reader, size int, share *share) ([]byte, error) {
	if size <= firstChunk {
		return readAll(reader, protocol.MaxDecodedBody, share)
	}
	body := sized(size)
	n, err := fill(reader, body, share)
	if err == nil && n < size {
		return body[:n], nil
	}
	var rest []byte
	if err == nil {
		rest, err = readAll(reader, protocol.MaxDecodedBody-size, share) // almost always empty
	}
	if err != nil {
		refused.Lock()
		refused.body = weak.Make(&body)
		refused.Unlock()
		return nil, err
	}
	return append(body, rest...), nil
}

// sized returns memory for a body of size bytes.
func sized(size int) []byte {
	refused.Lock()
	spare := refused.body.Value()
	refused.body = weak.Pointer[[]byte]{}
	refused.Unlock()
	if spare != nil && cap(*spare) >= size {
		return (*spare)[:size]
	}
	return make([]byte, size)
}

// fill reads into p until p is full or the reader ends, and takes the bytes from share.
func fill(reader io.Reader, p []byte, share *share) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = reader.Read(p[n:])
		n += more
		if err := share.take(more); err != nil {
			return n, err
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
