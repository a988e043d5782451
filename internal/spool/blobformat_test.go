package spool

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// testAEAD returns AES-256-GCM with a key made of one byte.
func testAEAD(t testing.TB, key byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

// content returns n bytes that nobody would guess, the same each time.
func content(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// scratch is a folder of the real file system.
func scratch(t testing.TB) vfs.FS {
	t.Helper()
	folder, err := vfs.OS(t.TempDir() + "/private")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := folder.Close(); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// codecs are the two ways to seal a blob.
func codecs(t testing.TB) map[string]cipher.AEAD {
	return map[string]cipher.AEAD{"plain": nil, "sealed": testAEAD(t, 1)}
}

func TestBlobsReturnWhatWasPutAtEverySize(t *testing.T) {
	t.Parallel()
	for kind, aead := range codecs(t) {
		b := folderStore(t, scratch(t), aead, 0)
		for i, size := range []int{0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 3*chunkBytes + 77} {
			want, name := content(size), fmt.Sprintf("%032x", i)
			if n, err := b.put(name, bytes.NewReader(want), int64(size)); err != nil || n != int64(size) {
				t.Fatalf("%s, %d bytes: put says %d, %v", kind, size, n, err)
			}
			if err := b.sync(name); err != nil {
				t.Error(err)
			}
			blob, err := b.open(name)
			if err != nil {
				t.Fatal(err)
			}
			if blob.Size() != int64(size) {
				t.Errorf("%s: size %d, want %d", kind, blob.Size(), size)
			}
			if err := iotest.TestReader(blob, want); err != nil {
				t.Errorf("%s, %d bytes: %v", kind, size, err)
			}
			if err := blob.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestABlobIsReadFromAnyPlace(t *testing.T) {
	t.Parallel()
	want := content(2*chunkBytes + 1000)
	for kind, aead := range codecs(t) {
		b := folderStore(t, scratch(t), aead, 0)
		if _, err := b.put(someBlob, bytes.NewReader(want), 1<<20); err != nil {
			t.Fatal(err)
		}
		blob, err := b.open(someBlob)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int64{2*chunkBytes + 999, 0, chunkBytes, chunkBytes - 1, 5, 2 * chunkBytes} {
			if _, err := blob.Seek(at, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(blob)
			if err != nil || !bytes.Equal(got, want[at:]) {
				t.Errorf("%s from %d: %d bytes, %v", kind, at, len(got), err)
			}
		}
		if at, err := blob.Seek(-1, io.SeekEnd); err != nil || at != int64(len(want))-1 {
			t.Errorf("seek from the end: %d, %v", at, err)
		}
		if _, err := blob.Seek(-1, io.SeekStart); err == nil {
			t.Error("a place in front of the blob is accepted")
		}
		blob.Close()
	}
}

// file returns the bytes of a file.
func file(t testing.TB, folder vfs.FS, name string) []byte {
	t.Helper()
	f, err := folder.OpenFile(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return b
}

// stored is a file in memory, as far as a blob is read from it.
type stored struct {
	vfs.File
	*bytes.Reader
}

func (s stored) ReadAt(p []byte, at int64) (int, error) { return s.Reader.ReadAt(p, at) }
func (s stored) Size() (int64, error)                   { return s.Reader.Size(), nil }
func (s stored) Close() error                           { return nil }

// readStored reads the content of a blob file.
func readStored(name string, b []byte, aead cipher.AEAD) ([]byte, error) {
	blob, err := newFileBlob(stored{Reader: bytes.NewReader(b)}, name, aead)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(blob)
}

func TestEveryCutFlipAndExchangeOfABlobIsNoticed(t *testing.T) {
	t.Parallel()
	for kind, aead := range codecs(t) {
		b := folderStore(t, scratch(t), aead, 0)
		for _, size := range []int{0, 300, chunkBytes, chunkBytes + 300} {
			name := fmt.Sprintf("%032x", size)
			if _, err := b.put(name, bytes.NewReader(content(size)), 1<<20); err != nil {
				t.Fatal(err)
			}
			whole := file(t, b.fs, name)
			if _, err := readStored(name, whole, aead); err != nil {
				t.Fatal(err)
			}
			refused := func(what string, at int, damaged []byte) {
				t.Helper()
				if _, err := readStored(name, damaged, aead); !errors.Is(err, ErrDamaged) {
					t.Errorf("%s blob of %d bytes, %s at %d: %v", kind, size, what, at, err)
				}
			}
			step := max(1, len(whole)/200)
			for at := 0; at < len(whole); at += step {
				refused("cut", at, whole[:at])
				flipped := bytes.Clone(whole)
				flipped[at] ^= 1 << (at % 8)
				if _, err := readStored(name, flipped, aead); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrKey) {
					t.Errorf("%s blob of %d bytes, flip at %d: %v", kind, size, at, err)
				}
			}
			refused("a byte more", len(whole), append(bytes.Clone(whole), 0))
			if _, err := readStored(someBlob, whole, aead); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s blob of %d bytes under another name: %v", kind, size, err)
			}
		}
	}
}

func TestASealedBlobShowsNothingWithoutItsKey(t *testing.T) {
	t.Parallel()
	b := folderStore(t, scratch(t), testAEAD(t, 1), 0)
	want := bytes.Repeat([]byte("canary prompt "), 10000)
	if _, err := b.put(someBlob, bytes.NewReader(want), 1<<20); err != nil {
		t.Fatal(err)
	}
	whole := file(t, b.fs, someBlob)
	if bytes.Contains(whole, []byte("canary")) {
		t.Error("the content is on disk as it is")
	}
	if _, err := readStored(someBlob, whole, nil); !errors.Is(err, ErrKey) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := readStored(someBlob, whole, testAEAD(t, 2)); !errors.Is(err, ErrDamaged) {
		t.Errorf("with another key: %v", err)
	}
}

func FuzzReadBlob(f *testing.F) {
	for _, aead := range codecs(f) {
		b := folderStore(f, scratch(f), aead, 0)
		for size := range 3 {
			name := fmt.Sprintf("%032x", size)
			if _, err := b.put(name, bytes.NewReader(content(size*40000)), 1<<20); err != nil {
				f.Fatal(err)
			}
			f.Add(file(f, b.fs, name))
		}
	}
	aead := testAEAD(f, 1)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readStored(someBlob, data, aead)
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("error %v", err)
		}
		if len(got) > len(data) {
			t.Errorf("%d bytes of a file of %d", len(got), len(data))
		}
	})
}
