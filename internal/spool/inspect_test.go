package spool

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// inspect describes the one slot of a folder.
func inspect(t testing.TB, dir string) *SlotInfo {
	t.Helper()
	infos, err := Inspect(dir)
	if err != nil || len(infos) != 1 || infos[0].Problem != nil {
		t.Fatalf("%+v, %v", infos, err)
	}
	return &infos[0]
}

// tree is every path below a folder, with the content of files.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			all[path] = ""
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInspectTellsWhatAProcessHoldsAndLeaves(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	before := time.Now().Add(-time.Second)
	p := start(t, "writer", dir)
	files := tree(t, dir)
	held := inspect(t, dir)
	if diff := cmp.Diff(files, tree(t, dir)); diff != "" {
		t.Errorf("inspecting changed %s", diff)
	}
	if !held.Held || held.PID != p.cmd.Process.Pid || held.Target != TargetHash(target) || held.Slot != "00" || held.Sealed {
		t.Errorf("%+v, want it held by %d", held, p.cmd.Process.Pid)
	}
	p.kill()
	free := inspect(t, dir)
	if free.Held || free.PID != 0 {
		t.Errorf("%+v, want it free", free)
	}
	for _, i := range []*SlotInfo{held, free} {
		if i.Lines.Records != 3 || i.Uploads.Records != 1 || i.Pending() != 4 || i.Lines.Bytes != int64(3*len("slot 00 line 0")) {
			t.Errorf("lines %+v, uploads %+v", i.Lines, i.Uploads)
		}
		if i.Blobs != 2 || i.Dead != 1 || i.Quarantined != 0 || i.DeadBytes == 0 || i.BlobBytes == 0 {
			t.Errorf("%+v", i)
		}
		if i.Lines.Oldest.Before(before) || i.Lines.Oldest.After(time.Now()) {
			t.Errorf("oldest %v", i.Lines.Oldest)
		}
		if found, err := i.Damage(nil); err != nil || len(found) > 0 {
			t.Errorf("damage %q, %v", found, err)
		}
	}
	var got []string
	for r, err := range free.Records(nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimPrefix(string(r.Data), "slot 00 "))
		if len(got) == 3 {
			break
		}
	}
	if want := []string{"line 0", "line 1", "line 2"}; !slices.Equal(got, want) {
		t.Errorf("records %q, want %q", got, want)
	}
	for l, err := range free.Letters(nil) {
		if err != nil || string(l.Data) != "dead" {
			t.Errorf("%+v, %v", l, err)
		}
	}
	s, err := free.Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	if s.Empty() || s.Slot() != "00" {
		t.Errorf("slot %s is opened, empty %t", s.Slot(), s.Empty())
	}
}

func TestInspectOfNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	if infos, err := Inspect(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v, %v", infos, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if infos, err := Inspect(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v, %v", infos, err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("inspecting made %v, %v", names, err)
	}
}

func TestSealedRecordsAreShownWithTheirKeyOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	aead := testAEAD(t, 1)
	s := open(t, Config{Dir: dir, Log: seglog.Config{AEAD: aead}})
	fill(t, s, "canary", 2)
	attach(t, s, someBlob, "canary content")
	if err := s.Dead(letter(1, 100)); err != nil {
		t.Fatal(err)
	}
	info := inspect(t, dir)
	if !info.Sealed || info.Pending() != 3 {
		t.Errorf("%+v", info)
	}
	for r, err := range info.Records(nil) {
		if !errors.Is(err, ErrKey) || r.Data != nil || r.Seq == 0 {
			t.Errorf("without the key: %+v, %v", r, err)
		}
	}
	for l, err := range info.Letters(nil) {
		if !errors.Is(err, ErrKey) || l.Data != nil || l.Name == "" {
			t.Errorf("without the key: %+v, %v", l, err)
		}
	}
	n := 0
	for r, err := range info.Records(aead) {
		if n++; err != nil || !bytes.Contains(r.Data, []byte("canary")) && r.Kind == seglog.Line {
			t.Errorf("with the key: %+v, %v", r, err)
		}
	}
	for _, aead := range codecs(t) {
		if found, err := info.Damage(aead); err != nil || len(found) > 0 {
			t.Errorf("damage %q, %v", found, err)
		}
	}
	if n != 3 {
		t.Errorf("%d records, want 3", n)
	}
}

func TestInspectFindsWhatOpenFinds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 15 {
		dir := filepath.Join(t.TempDir(), "spool")
		for range 1 + random.IntN(3) { // segments
			s, err := Open(Config{Dir: dir, Target: target})
			if err != nil {
				t.Fatal(err)
			}
			fill(t, s, "line", 1+random.IntN(20))
			s.Lines.Ack(random.Uint64N(8))
			shut(t, s)
		}
		segments, err := filepath.Glob(filepath.Join(dir, "v1", TargetHash(target), "00", "*.seg"))
		if err != nil {
			t.Fatal(err)
		}
		if len(segments) == 0 {
			continue // all of them were acked
		}
		name := segments[random.IntN(len(segments))]
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		const header = 128
		at := header + random.IntN(len(b)-header)
		if random.IntN(2) == 0 {
			b = b[:at]
		} else {
			b[at] ^= 1 << random.IntN(8)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		info := inspect(t, dir)
		s, err := Open(Config{Dir: dir, Target: target})
		if err != nil {
			t.Fatal(err)
		}
		state := s.Lines.State()
		var lost uint64
		for _, d := range info.Lines.Damage {
			lost += d.Lost
		}
		if info.Lines.Records != state.Recovered || int64(lost) != state.Dropped["damaged"] {
			t.Errorf("%s at byte %d: inspected %d records and %d lost, opened %d and %d",
				filepath.Base(name), at, info.Lines.Records, lost, state.Recovered, state.Dropped["damaged"])
		}
		shut(t, s)
	}
}

func TestDamageNamesEveryPartThatIsDamaged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, Config{Dir: dir})
	fill(t, s, "line", 5)
	attach(t, s, someBlob, "content")
	missing := strings.Repeat("a", blobNameDigits)
	attach(t, s, missing, "content")
	if err := s.RemoveBlob(missing); err != nil {
		t.Fatal(err)
	}
	unnamed := strings.Repeat("f", blobNameDigits)
	if _, err := s.PutBlob(unnamed, strings.NewReader("x"), 10); err != nil {
		t.Fatal(err)
	}
	l := letter(1, 100)
	if err := s.Dead(l); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	slot := filepath.Join(dir, "v1", TargetHash(target), "00")
	for path, at := range map[string]int{
		"00000000000000000001.seg": 128 + 30, "blobs/" + someBlob: 20, "blobs/" + unnamed: 0, "dead/" + letterName(&l): 150,
	} {
		path = filepath.Join(slot, filepath.FromSlash(path))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[at] ^= 4
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	info := inspect(t, dir)
	found, err := info.Damage(nil)
	if err != nil || len(found) != 4 {
		t.Fatalf("%q, %v", found, err)
	}
	for i, want := range []string{"00000000000000000001.seg at byte 158: 1 records", letterName(&l), someBlob, missing} {
		if !slices.ContainsFunc(found, func(what string) bool { return strings.Contains(what, want) }) {
			t.Errorf("%d: %q does not name %s", i, found, want)
		}
	}
}
