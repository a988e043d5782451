package api

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/http"
	"runtime"
	"runtime/debug"
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
		body, err := readAll(bytes.NewReader(random[:size]), protocol.MaxDecodedBody, &s)
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
	if _, err := readAll(bytes.NewReader(random), protocol.MaxDecodedBody, &share{budget: &memory}); !errors.As(err, &tooLarge) {
		t.Errorf("a byte too many: %v, want a MaxBytesError", err)
	}
	if _, err := readAll(iotest.TimeoutReader(bytes.NewReader(random)), protocol.MaxDecodedBody, &share{budget: &memory}); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("a reader that fails: %v, want its error", err)
	}
}

// The memory of a body that is refused serves the next one, so that many of them do not
// make the heap grow.
func TestRefusedBodiesShareTheirMemory(t *testing.T) {
	tooLarge := make([]byte, protocol.MaxDecodedBody+1)
	memory := budget{}
	memory.left.Store(1 << 40)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection drops the memory
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const bodies = 10
	for range bodies {
		s := share{budget: &memory}
		var large *http.MaxBytesError
		if _, err := readSized(bytes.NewReader(tooLarge), protocol.MaxDecodedBody, &s); !errors.As(err, &large) {
			t.Fatalf("error %v, want a MaxBytesError", err)
		}
		s.release()
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 2*protocol.MaxDecodedBody {
		t.Errorf("%d refused bodies of %d bytes allocate %d bytes, want about one body", bodies, protocol.MaxDecodedBody, allocated)
	}
}
