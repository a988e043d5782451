package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

func TestASpoolHasTheLayoutOfItsVersion(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, Config{Dir: dir})
	fill(t, s, "line", 1)
	attach(t, s, someBlob, "content")
	if err := s.Dead(letter(7, 10)); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700 | fs.ModeDir
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
		if rel, err := filepath.Rel(filepath.Join(dir, "v1", TargetHash(target), "00"), path); err == nil && !strings.HasPrefix(rel, "..") {
			got = append(got, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		".", "00000000000000000001.seg", "LOCK", "blobs", "blobs/" + someBlob, "cursor", "dead",
		"dead/00000000000000000007-01020300000000000000000000000000", "quarantine", "uploads",
		"uploads/00000000000000000001.seg", "uploads/cursor", "uploads/quarantine",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWaitsIsThereAgainAfterClose(t *testing.T) {
	t.Parallel()
	for kind, aead := range codecs(t) {
		c := Config{Dir: filepath.Join(t.TempDir(), "spool"), Target: target, Log: seglog.Config{AEAD: aead}}
		s, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, s, "line", 3)
		attach(t, s, someBlob, "content")
		if err := s.Dead(letter(1, 10)); err != nil {
			t.Fatal(err)
		}
		shut(t, s)

		s = open(t, c)
		if s.Slot() != "00" || s.Empty() || s.InMemory() {
			t.Errorf("%s: slot %q, empty %t", kind, s.Slot(), s.Empty())
		}
		if diff := cmp.Diff([]string{"line-0", "line-1", "line-2"}, pending(t, s.Lines)); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
		u, err := ParseUpload([]byte(pending(t, s.Uploads)[0]))
		if err != nil || u.Blob != someBlob {
			t.Errorf("%s: %+v, %v", kind, u, err)
		}
		blob, err := s.OpenBlob(someBlob)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(blob); string(got) != "content" || err != nil {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
		blob.Close()
		for l, err := range s.Letters() {
			if err != nil || string(l.Data) != string(content(10)) {
				t.Errorf("%s: %+v, %v", kind, l, err)
			}
		}
		s.Lines.Ack(3)
		s.Uploads.Ack(1)
		if !s.Empty() {
			t.Errorf("%s: not empty after all is acked", kind)
		}
	}
}

func TestOpenTakesTheFirstFreeSlot(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	a, b := open(t, Config{Dir: dir}), open(t, Config{Dir: dir})
	other := open(t, Config{Dir: dir, Target: "another"})
	if a.Slot() != "00" || b.Slot() != "01" || other.Slot() != "00" {
		t.Errorf("slots %s, %s and, for another target, %s", a.Slot(), b.Slot(), other.Slot())
	}
	shut(t, a)
	if c := open(t, Config{Dir: dir}); c.Slot() != "00" {
		t.Errorf("slot %s is taken though 00 is free again", c.Slot())
	}
}

func TestOpenSaysThatNoSlotIsFree(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	var mu sync.Mutex
	taken := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range slots / 8 {
				s := open(t, Config{Dir: dir})
				mu.Lock()
				taken[s.Slot()] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(taken) != slots {
		t.Errorf("%d slots are taken, want %d", len(taken), slots)
	}
	if s, err := Open(Config{Dir: dir, Target: target}); !errors.Is(err, ErrNoSlot) {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestBlobsThatNothingNamesAreRemovedAtOpen(t *testing.T) {
	t.Parallel()
	c := Config{Dir: filepath.Join(t.TempDir(), "spool"), Target: target}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	blob := func(digit string) string { return strings.Repeat(digit, blobNameDigits) }
	attach(t, s, blob("a"), "acked")
	s.Uploads.Ack(1)
	attach(t, s, blob("b"), "pending")
	attach(t, s, blob("c"), "pending too")
	if _, err := s.PutBlob(blob("d"), strings.NewReader("no record"), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutBlob(blob("e"), strings.NewReader("of a dead letter"), 100); err != nil {
		t.Fatal(err)
	}
	dead := letter(9, 0)
	dead.Kind, dead.Data = seglog.Attachment, AppendUpload(nil, &Upload{Blob: blob("e"), Line: []byte("l")})
	if err := s.Dead(dead); err != nil {
		t.Fatal(err)
	}
	shut(t, s)

	s = open(t, c)
	var left []string
	for _, digit := range []string{"a", "b", "c", "d", "e"} {
		b, err := s.OpenBlob(blob(digit))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, digit)
		b.Close()
	}
	if want := []string{"b", "c", "e"}; !slices.Equal(left, want) {
		t.Errorf("%v are left, want %v", left, want)
	}
}

func TestASlotIsUsedWithOneKeyOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	var skipped []string
	c := Config{Dir: dir, Target: target, Log: seglog.Config{AEAD: testAEAD(t, 1)}, Report: func(e Event) {
		if e.Kind == Skipped && errors.Is(e.Err, ErrKey) {
			skipped = append(skipped, e.Slot)
		}
	}}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, "canary", 1)
	shut(t, s)

	for _, other := range []Config{{}, {Log: seglog.Config{AEAD: testAEAD(t, 2)}}} {
		other.Dir, other.Target, other.Report = dir, target, c.Report
		s, err := Open(other)
		if err != nil {
			t.Fatal(err)
		}
		if s.Slot() == "00" {
			t.Error("the slot of another key is taken")
		}
		if ownerless, err := s.TakeOwnerless(); ownerless != nil || err != nil {
			t.Errorf("the slot of another key is adopted: %v, %v", ownerless, err)
		}
		shut(t, s)
	}
	if want := []string{"00", "00", "00", "00"}; !slices.Equal(skipped, want) {
		t.Errorf("skipped %v, want %v: by each Open and each Orphan", skipped, want)
	}
	s = open(t, c)
	if got := pending(t, s.Lines); !slices.Equal(got, []string{"canary-0"}) {
		t.Errorf("with its own key: %q", got)
	}
	grep(t, dir, "canary")
}

func TestASpoolInMemoryBehavesTheSame(t *testing.T) {
	t.Parallel()
	var released int64
	s, err := Open(Config{Log: seglog.Config{AEAD: testAEAD(t, 1), Release: func(cost int64) { released += cost }}})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	if !s.InMemory() || s.Slot() != "" || !s.Empty() {
		t.Errorf("in memory %t, slot %q, empty %t", s.InMemory(), s.Slot(), s.Empty())
	}
	s.Lines.Append([]seglog.Item{{Kind: seglog.Line, Data: []byte("a"), Cost: 300}})
	if got := pending(t, s.Lines); s.Empty() || !slices.Equal(got, []string{"a"}) {
		t.Errorf("empty %t, pending %q", s.Empty(), got)
	}
	s.Lines.Ack(1)
	if !s.Empty() || released != 300 {
		t.Errorf("empty %t, released %d", s.Empty(), released)
	}
	if _, err := s.PutBlob(someBlob, strings.NewReader("content"), 100); err != nil {
		t.Error(err)
	}
	if err := s.Dead(letter(1, 5)); err != nil {
		t.Error(err)
	}
	for l, err := range s.Letters() {
		if err != nil || string(l.Data) != string(content(5)) {
			t.Errorf("%+v, %v", l, err)
		}
		if err := s.RemoveLetter(l.Name); err != nil {
			t.Error(err)
		}
	}
	if ownerless, err := s.TakeOwnerless(); ownerless != nil || err != nil {
		t.Errorf("%v, %v", ownerless, err)
	}
}

func TestNamesThatTheSpoolDoesNotGiveAreRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	for _, s := range []*Spool{open(t, Config{Dir: dir}), open(t, Config{})} {
		for _, name := range []string{"", "..", "../LOCK", "a", strings.ToUpper(someBlob), someBlob + "0", strings.Repeat("/", 32), strings.Repeat("\x00", 32)} {
			_, put := s.PutBlob(name, strings.NewReader("x"), 10)
			_, opened := s.OpenBlob(name)
			for _, err := range []error{put, opened, s.SyncBlob(name), s.RemoveBlob(name), s.RemoveLetter(name)} {
				if !errors.Is(err, ErrName) {
					t.Errorf("%q: %v", name, err)
				}
			}
		}
	}
}

func TestOpenRefusesAFolderOfOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(Config{Dir: dir, Target: target}); !errors.Is(err, vfs.ErrUnsafe) {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestTheTargetIsTheSameWithASlashAtTheEnd(t *testing.T) {
	t.Parallel()
	if Target("https://a/b/", "r") != Target("https://a/b", "r") || Target("https://a", "b") == Target("https://a\nb", "") {
		t.Error("targets are told apart by a slash, or not by where the URL ends")
	}
	if got := TargetHash(target); len(got) != 32 || !isHex(got) {
		t.Errorf("hash %q", got)
	}
}
