package spool

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
)

// blobStores are the two places for blobs.
func blobStores(t testing.TB) map[string]blobs {
	return map[string]blobs{
		"disk":   folderStore(t, scratch(t), nil, 0),
		"memory": newMemoryBlobs(0),
	}
}

func TestABlobThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the source broke off")
	for place, b := range blobStores(t) {
		if _, err := b.put(someBlob, strings.NewReader("123456"), 5); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: over the limit: %v", place, err)
		}
		if _, err := b.put(someBlob, bytes.NewReader(content(3*chunkBytes)), 2*chunkBytes); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: far over the limit: %v", place, err)
		}
		source := io.MultiReader(bytes.NewReader(content(chunkBytes+9)), iotest.ErrReader(broken))
		if _, err := b.put(someBlob, source, 1<<20); !errors.Is(err, broken) {
			t.Errorf("%s: a source that fails: %v", place, err)
		}
		if _, err := b.open(someBlob); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something is left: %v", place, err)
		}
		if n, err := b.put(someBlob, strings.NewReader("12345"), 5); n != 5 || err != nil {
			t.Errorf("%s: at the limit: %d, %v", place, n, err)
		}
	}
}

func TestABlobIsNotReplaced(t *testing.T) {
	t.Parallel()
	for place, b := range blobStores(t) {
		if _, err := b.put(someBlob, strings.NewReader("first"), 100); err != nil {
			t.Fatal(err)
		}
		if _, err := b.put(someBlob, strings.NewReader("second"), 100); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", place, err)
		}
		blob, err := b.open(someBlob)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(blob); string(got) != "first" || err != nil {
			t.Errorf("%s: %q, %v", place, got, err)
		}
		blob.Close()
	}
}

func TestABlobThatIsNotThere(t *testing.T) {
	t.Parallel()
	for place, b := range blobStores(t) {
		_, openErr := b.open(someBlob)
		for what, err := range map[string]error{"open": openErr, "sync": b.sync(someBlob), "remove": b.remove(someBlob)} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %s: %v", place, what, err)
			}
		}
	}
}

func TestBlobsInMemoryAreBounded(t *testing.T) {
	t.Parallel()
	b := newMemoryBlobs(10)
	other := strings.Repeat("f", blobNameDigits)
	if _, err := b.put(someBlob, strings.NewReader("123456"), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := b.put(other, strings.NewReader("12345"), 100); !errors.Is(err, ErrNoRoom) {
		t.Errorf("over the bound: %v", err)
	}
	if err := b.remove(someBlob); err != nil {
		t.Fatal(err)
	}
	if _, err := b.put(other, strings.NewReader("12345"), 100); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}
