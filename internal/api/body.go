package api

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/troupelog/troupe/internal/protocol"
)

// acceptEncoding is the header of answers that lists the compressions of log requests
// (RFC 9110, section 12.5.3).
const acceptEncoding = "zstd, gzip"

// maxWindow limits the window of a body compressed with zstd, in bytes. Clients must not use
// more with this content coding (RFC 9659, section 3).
const maxWindow = 8 << 20

// First bytes of compressed data (RFC 1952, section 2.3.1; RFC 8878, section 3.1.1). No line
// begins with them.
var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

var (
	errUnsupported = &Error{"unsupported", "the body may be compressed with zstd or gzip only"}
	errEncoding    = badRequest("the body does not match its Content-Encoding")
	errWindow      = badRequest("the body needs a zstd window of more than 8 MiB, which this content coding does not allow")
	errUnnamed     = badRequest("the body is compressed, but its Content-Encoding is missing")
)

// readBody returns the decompressed body of a request. It takes its memory from share.
func readBody(w http.ResponseWriter, r *http.Request, share *share) ([]byte, error) {
	// Refusing by the announced length saves the transfer. Bodies without a length are limited below.
	if r.ContentLength > protocol.MaxBody {
		return nil, &http.MaxBytesError{Limit: protocol.MaxBody}
	}
	sent := &sourceReader{Reader: http.MaxBytesReader(w, r.Body, protocol.MaxBody)}
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
		return readPlain(sent, share)
	case "gzip":
		return readGzip(r, sent, share)
	case "zstd":
		return readZstd(sent, share)
	default:
		return nil, errUnsupported
	}
}

// readPlain returns an uncompressed body. It refuses a compressed body whose Content-Encoding
// was lost on the way: its bytes would count as malformed lines and use up the sequence
// numbers of the real ones.
func readPlain(sent *sourceReader, share *share) ([]byte, error) {
	body, err := readAll(sent, protocol.MaxDecodedBody, share)
	if err != nil {
		return nil, bodyError(err, sent.err)
	}
	if bytes.HasPrefix(body, gzipMagic) || bytes.HasPrefix(body, zstdMagic) {
		return nil, errUnnamed
	}
	return body, nil
}

// unzipping limits how many gzipped bodies are decoded at one time, and with it the memory
// of bodies that turn out to be too large.
var unzipping = make(chan struct{}, 2)

// readGzip decodes a body once all of it has arrived, as readZstd does.
func readGzip(r *http.Request, sent *sourceReader, share *share) ([]byte, error) {
	// The packed bytes are limited like decoded ones, so a body cannot be larger packed.
	packed, err := readAll(sent, protocol.MaxDecodedBody, share)
	if err != nil {
		return nil, bodyError(err, sent.err)
	}
	select {
	case unzipping <- struct{}{}:
		defer func() { <-unzipping }()
	case <-r.Context().Done():
		return nil, errIncomplete
	}
	size := unzippedSize(packed)
	if size > protocol.MaxDecodedBody {
		return nil, &http.MaxBytesError{Limit: protocol.MaxDecodedBody}
	}
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errEncoding
	}
	defer unzip.Close() //nolint:errcheck // it closes nothing, and reading has checked the content
	body, err := readSized(unzip, size, share)
	if err != nil {
		return nil, bodyError(err, nil)
	}
	return body, nil
}

// unzippedSize returns the decoded size, in bytes, that the last member of a gzipped body
// declares (RFC 1952, section 2.3.1), at most as much as its packed size can hold. A body with
// several members decodes to more. A body whose declaration is wrong is malformed.
func unzippedSize(packed []byte) int {
	const most = 1032 // times as large as it is packed (zlib.net/zlib_tech.html)
	if len(packed) < 4 {
		return 0
	}
	size := binary.LittleEndian.Uint32(packed[len(packed)-4:])
	return min(int(size), most*len(packed))
}

// zstdDecoder is the decoder of all requests. It has at most 4 states, so at most 4 bodies of
// up to protocol.MaxDecodedBody are in memory before their shares account for them.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(protocol.MaxDecodedBody), zstd.WithDecoderMaxWindow(maxWindow))
})

// readZstd decodes a body once all of it has arrived, so that a slow client holds no decoder
// state, and the decoded bytes serve as the window.
func readZstd(sent *sourceReader, share *share) ([]byte, error) {
	decoder, err := zstdDecoder()
	if err != nil {
		return nil, err
	}
	packed, err := readAll(sent, protocol.MaxDecodedBody, share)
	if err != nil {
		return nil, bodyError(err, sent.err)
	}
	// DecodeAll returns no error for an empty input.
	if len(packed) == 0 { // not even a frame
		return nil, errEncoding
	}
	body, err := decoder.DecodeAll(packed, nil)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, &http.MaxBytesError{Limit: protocol.MaxDecodedBody}
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, errWindow
	case err != nil:
		return nil, errEncoding
	}
	return body, share.take(len(body))
}

// bodyError translates an error of reading a body. sent is the error of the connection. If it
// is nil, all bytes arrived, and sending them again would not help.
func bodyError(err, sent error) error {
	var tooLarge *http.MaxBytesError
	var known *Error
	switch {
	case errors.As(err, &tooLarge) || errors.As(err, &known):
		return err
	case sent != nil:
		return errIncomplete
	default:
		return errEncoding
	}
}

// sourceReader keeps the error of its reader, to distinguish it from errors of decoding.
type sourceReader struct {
	io.Reader
	err error
}

// Read implements io.Reader.
func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
