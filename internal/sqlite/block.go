package sqlite

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/troupelog/troupe/internal/store"
)

// blockBytes is about how many bytes of lines a block holds at most, so that one
// line can be read without decoding much else. A longer line has its own block.
const blockBytes = 256 << 10

// maxBlock limits the memory that the decoder allocates for a damaged file.
const maxBlock = 64 << 20

// chunk is a run of lines ready to be stored as a block.
type chunk struct {
	first uint64 // the sender's number of the first line
	n     int
	z     []byte
}

// codec compresses blocks. Its methods are safe for concurrent use.
type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

var newCodec = sync.OnceValues(func() (*codec, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		return nil, err
	}
	return &codec{encoder, decoder}, nil
})

// rowEncoder and rowDecoder compress rows of the index, which are small: stream
// framing and a checksum would add a tenth to their size.
var (
	rowEncoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true)) // a faster level leaves text as it is
		if err != nil {
			panic(err) // the options are fixed
		}
		return e
	})
	rowDecoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
		if err != nil {
			panic(err)
		}
		return d
	})
)

// pack cuts lines, numbered from first on, into chunks. A nil line is left out and
// ends a chunk, since the lines of a block have consecutive numbers.
func (c *codec) pack(lines [][]byte, first uint64) []chunk {
	var chunks []chunk
	var buf []byte
	start := 0
	flush := func(end int) {
		if end > start {
			chunks = append(chunks, chunk{first + uint64(start), end - start, c.encoder.EncodeAll(buf, nil)})
		}
		buf, start = buf[:0], end
	}
	for i, line := range lines {
		if line == nil {
			flush(i)
			start = i + 1
			continue
		}
		if i-start == store.BlockLines || i > start && len(buf)+len(line) > blockBytes {
			flush(i)
		}
		buf = binary.AppendUvarint(buf, uint64(len(line)))
		buf = append(buf, line...)
	}
	flush(len(lines))
	return chunks
}

var errBlock = errors.New("a block is damaged")

// unpack returns the n lines of a block.
func (c *codec) unpack(z []byte, n int) ([][]byte, error) {
	buf, err := c.decoder.DecodeAll(z, nil)
	if err != nil {
		return nil, err
	}
	lines := make([][]byte, 0, store.BlockLines)
	for len(buf) > 0 {
		size, width := binary.Uvarint(buf)
		if width <= 0 || size > uint64(len(buf)-width) {
			return nil, errBlock
		}
		end := width + int(size)
		lines = append(lines, buf[width:end:end])
		buf = buf[end:]
	}
	if len(lines) != n {
		return nil, errBlock
	}
	return lines, nil
}
