package collector

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/troupelog/troupe/internal/protocol"
)

const (
	firstChunk = 8 << 10  // bytes; what a request that has sent nothing yet holds
	chunkSize  = 64 << 10 // bytes of the others
)

// chunks are pieces of bodies that are being read. They are used again, so that bodies that
// are refused for their size leave nothing for the collector of garbage.
var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// readAll reads at most protocol.MaxDecodedBody bytes and takes them from share.
func readAll(reader io.Reader, share *share) ([]byte, error) {
	first := make([]byte, firstChunk)
	n, err := fill(reader, first, share)
	if err != nil {
		return nil, err
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
		if size += n; size > protocol.MaxDecodedBody {
			return nil, &http.MaxBytesError{Limit: protocol.MaxDecodedBody}
		}
	}
	body := append(make([]byte, 0, size), first...)
	for _, c := range full {
		body = append(body, c[:min(chunkSize, size-len(body))]...)
	}
	return body, nil
}

// readSized is readAll for a body that is likely to have size bytes: then it is read into its
// place, and not in memory twice.
func readSized(reader io.Reader, size int, share *share) ([]byte, error) {
	if size <= firstChunk {
		return readAll(reader, share)
	}
	body := make([]byte, size)
	n, err := fill(reader, body, share)
	if err != nil || n < size {
		return body[:n], err
	}
	rest, err := readAll(reader, share) // almost always empty
	if err != nil {
		return nil, err
	}
	if len(body)+len(rest) > protocol.MaxDecodedBody {
		return nil, &http.MaxBytesError{Limit: protocol.MaxDecodedBody}
	}
	return append(body, rest...), nil
}

// fill reads into p until it is full or the reader ends.
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
