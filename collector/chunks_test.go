package collector

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/troupelog/troupe/internal/protocol"
)

func TestBodiesOfAllSizesAreReadWhole(t *testing.T) {
	random := make([]byte, protocol.MaxDecodedBody+1)
	rnd := rand.NewChaCha8([32]byte{1})
	if _, err := rnd.Read(random); err != nil {
		t.Fatal(err)
	}
	var memory budget
	for _, size := range []int{
		0, 1, firstChunk - 1, firstChunk, firstChunk + 1, firstChunk + chunkSize - 1, firstChunk + chunkSize,
		firstChunk + chunkSize + 1, 1 << 20, protocol.MaxDecodedBody - 1, protocol.MaxDecodedBody,
	} {
		memory.left.Store(int64(size))
		s := share{budget: &memory}
		body, err := readAll(bytes.NewReader(random[:size]), &s)
		if err != nil || !bytes.Equal(body, random[:size]) {
			t.Errorf("of %d bytes %d are read, or others: %v", size, len(body), err)
		}
		if left := memory.left.Load(); left != 0 {
			t.Errorf("%d bytes take %d of the budget", size, int64(size)-left)
		}
		s.release()
	}
	memory.left.Store(1 << 40)
	var tooLarge *http.MaxBytesError
	if _, err := readAll(bytes.NewReader(random), &share{budget: &memory}); !errors.As(err, &tooLarge) {
		t.Errorf("a byte too many: %v, want a MaxBytesError", err)
	}
	if _, err := readAll(iotest.TimeoutReader(bytes.NewReader(random)), &share{budget: &memory}); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("a reader that fails: %v, want its error", err)
	}
}
