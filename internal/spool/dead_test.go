package spool

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

// letter returns a dead letter with size bytes.
func letter(seq uint64, size int) Letter {
	return Letter{
		Origin: [16]byte{1, 2, 3}, Seq: seq, Kind: seglog.Line, Time: time.UnixMilli(int64(seq)).UTC(),
		Status: 400, Reason: "bad line", Data: content(size),
	}
}

// openLetters opens a folder of dead letters.
func openLetters(t testing.TB, folder vfs.FS, aead cipher.AEAD) *deadLetters {
	t.Helper()
	d, err := openDead(folder, aead)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLettersAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	for kind, aead := range codecs(t) {
		d := &deadLetters{aead: aead, limit: maxDeadBytes} // a folder holds the same bytes
		rapid.Check(t, func(t *rapid.T) {
			want := Letter{
				Seq:    rapid.Uint64().Draw(t, "seq"),
				Kind:   seglog.Kind(rapid.Uint8().Draw(t, "kind")),
				Time:   time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), 5).UTC(),
				Status: rapid.Int().Draw(t, "status"),
				Reason: rapid.String().Draw(t, "reason"),
				Data:   rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "data"),
			}
			copy(want.Origin[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "origin"))
			if err := d.put(&want); err != nil {
				t.Fatal(err)
			}
			want.Name = letterName(&want)
			got, err := d.read(want.Name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", kind, diff)
			}
			if err := d.remove(want.Name); err != nil {
				t.Error(err)
			}
		})
		if len(d.names()) > 0 || d.bytes != 0 {
			t.Errorf("%s: %v of %d bytes are left of letters that were removed", kind, d.names(), d.bytes)
		}
	}
}

func TestLettersAreFoundAgainOldestFirst(t *testing.T) {
	t.Parallel()
	folder := scratch(t)
	d := openLetters(t, folder, nil)
	var want []string
	for _, seq := range []uint64{7, 3, 5} {
		l := letter(seq, 10)
		if err := d.put(&l); err != nil {
			t.Fatal(err)
		}
		want = append(want, letterName(&l))
	}
	if diff := cmp.Diff(want, d.names()); diff != "" {
		t.Error(diff)
	}
	again := openLetters(t, folder, nil)
	if len(again.names()) != 3 || again.bytes != d.bytes {
		t.Errorf("found %v of %d bytes, want %v of %d", again.names(), again.bytes, want, d.bytes)
	}
}

func TestTheOldestLettersMakeRoom(t *testing.T) {
	t.Parallel()
	for _, folder := range []vfs.FS{nil, scratch(t)} {
		d := &deadLetters{fs: folder, limit: 5000}
		for seq := range uint64(20) {
			l := letter(seq, 1000)
			if err := d.put(&l); err != nil {
				t.Fatal(err)
			}
		}
		names := d.names()
		newest := letter(19, 0)
		if len(names) != 4 || names[3] != letterName(&newest) || d.drops.Load() != 16 || d.bytes > d.limit {
			t.Errorf("%v are kept, %d dropped, %d bytes", names, d.drops.Load(), d.bytes)
		}
		huge := letter(20, 10_000)
		if err := d.put(&huge); err != nil {
			t.Fatal(err)
		}
		if names := d.names(); len(names) != 1 || names[0] != letterName(&huge) || d.drops.Load() != 20 {
			t.Errorf("%v are kept, %d dropped", names, d.drops.Load())
		}
	}
}

func TestTheSameLetterAgainReplacesItself(t *testing.T) {
	t.Parallel()
	d := openLetters(t, scratch(t), nil)
	l := letter(1, 100)
	for range 3 {
		if err := d.put(&l); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.names()) != 1 || d.bytes != d.files[0].size {
		t.Errorf("%v of %d bytes", d.names(), d.bytes)
	}
}

func TestAnUnfinishedLetterIsRemovedAndOtherFilesAreNot(t *testing.T) {
	t.Parallel()
	folder := scratch(t)
	l := letter(1, 10)
	for _, name := range []string{temporary + letterName(&l), "notes.txt", temporary + "mine"} {
		f, err := folder.OpenFile(name, os.O_RDWR|os.O_CREATE)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	d := openLetters(t, folder, nil)
	infos, err := folder.ReadDir()
	if err != nil || len(d.names()) != 0 || len(infos) != 2 {
		t.Errorf("%v, %v, %v", infos, d.names(), err)
	}
}

func TestDamageOfALetterIsNoticed(t *testing.T) {
	t.Parallel()
	for kind, aead := range codecs(t) {
		l := letter(1, 200)
		whole, err := encodeLetter(&l, aead)
		if err != nil {
			t.Fatal(err)
		}
		name := letterName(&l)
		for at := range whole {
			if _, err := decodeLetter(name, whole[:at], aead); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s, cut at %d: %v", kind, at, err)
			}
			flipped := bytes.Clone(whole)
			flipped[at] ^= 1
			got, err := decodeLetter(name, flipped, aead)
			if err == nil && !bytes.Equal(got.Data, l.Data) {
				t.Errorf("%s, flip at %d: other data", kind, at)
			}
		}
		if _, err := decodeLetter(letterName(&Letter{Seq: 2}), whole, aead); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s, another name: %v", kind, err)
		}
	}
}

func TestASealedLetterShowsNothingWithoutItsKey(t *testing.T) {
	t.Parallel()
	l := letter(1, 0)
	l.Data, l.Reason = []byte("canary prompt"), "canary reason"
	whole, err := encodeLetter(&l, testAEAD(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(whole, []byte("canary")) {
		t.Error("the letter is on disk as it is")
	}
	if _, err := decodeLetter(letterName(&l), whole, nil); !errors.Is(err, ErrKey) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := decodeLetter(letterName(&l), whole, testAEAD(t, 2)); !errors.Is(err, ErrDamaged) {
		t.Errorf("with another key: %v", err)
	}
}

func TestOnlyNamesOfLettersAreRemoved(t *testing.T) {
	t.Parallel()
	d := openLetters(t, scratch(t), nil)
	l := letter(1, 1)
	for _, name := range []string{"", "..", "../LOCK", "x", fmt.Sprintf("%020d", 1), letterName(&l) + "0", temporary + letterName(&l)} {
		if err := d.remove(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := d.remove(letterName(&l)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a letter that is not there: %v", err)
	}
}

func FuzzDecodeLetter(f *testing.F) {
	l := letter(1, 20)
	name, aead := letterName(&l), testAEAD(f, 1)
	for _, with := range codecs(f) {
		file, err := encodeLetter(&l, with)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		f.Add(file[:len(file)/2])
	}
	f.Add([]byte("{}\n"))
	f.Add([]byte(sealedLetter))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := decodeLetter(name, file, aead)
		if err != nil {
			if !errors.Is(err, ErrDamaged) || got.Data != nil {
				t.Errorf("%+v, %v", got, err)
			}
			return
		}
		if got.Seq != l.Seq || got.Origin != l.Origin {
			t.Errorf("a letter of another name is taken: %+v", got)
		}
	})
}
