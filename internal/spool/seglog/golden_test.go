package seglog

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// goldens are folders in testdata, written by each version of the format. They are never
// written again: SEGLOG_WRITE_GOLDENS only makes those that are missing.
var goldens = []struct {
	name   string // with that of the version in front
	sealed bool
	make   func(t *testing.T, disk *vfs.Mem, cfg Config)
	first  int // records that are to be read
	n      int
}{
	{"v1/plain", false, func(t *testing.T, _ *vfs.Mem, cfg Config) {
		fill(t, cfg, 1, 5, 0)
	}, 1, 5},
	{"v1/torn", false, func(t *testing.T, disk *vfs.Mem, cfg Config) {
		fill(t, cfg, 1, 5, 0)
		f, err := disk.OpenFile(segmentName(1, 0), os.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		size, _ := f.Size()
		if err := f.Truncate(size - 7); err != nil {
			t.Fatal(err)
		}
	}, 1, 4},
	{"v1/origins", false, func(t *testing.T, _ *vfs.Mem, cfg Config) {
		fill(t, cfg, 1, 5, 0)
		fill(t, cfg, 6, 3, 2)
	}, 3, 6},
	{"v1/cursor", false, func(t *testing.T, disk *vfs.Mem, cfg Config) {
		fill(t, cfg, 1, 5, 2)
		fill(t, cfg, 6, 5, 4)
		f, err := disk.OpenFile(cursorName, os.O_RDWR) // the newer slot is damaged
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte{0xff}, slotSize+20); err != nil {
			t.Fatal(err)
		}
	}, 3, 8},
	{"v1/sealed", true, func(t *testing.T, _ *vfs.Mem, cfg Config) {
		fill(t, cfg, 1, 5, 1)
	}, 2, 4},
	{"v2/lanes", false, func(t *testing.T, _ *vfs.Mem, cfg Config) {
		fillLanes(t, cfg, 5, 0)
	}, 1, 5},
	{"v3/plain", false, func(t *testing.T, _ *vfs.Mem, cfg Config) {
		fillLanes(t, cfg, 7, 2)
	}, 3, 5},
	{"v3/sealed", true, func(t *testing.T, _ *vfs.Mem, cfg Config) {
		fillLanes(t, cfg, 7, 2)
	}, 3, 5},
	{"v3/header", true, func(t *testing.T, disk *vfs.Mem, cfg Config) {
		fillLanes(t, cfg, 5, 0)
		change(t, disk, segmentName(1, 0), func(b []byte) []byte { clear(b[:blockSize]); return b })
	}, 1, 5},
}

func fillLanes(t *testing.T, cfg Config, n int, acked uint64) {
	l := open(t, cfg)
	items := numbered(1, n)
	for i := range items {
		items[i].Lane = laneOf(uint64(i + 1))
	}
	syncLog(t, l, l.Append(items))
	l.Ack(acked)
	closeLog(t, l)
}

// laneOf is the lane of a record in the goldens since version 2.
func laneOf(seq uint64) uint16 { return uint16(seq * 0x3001) }

func fill(t *testing.T, cfg Config, first, n int, acked uint64) {
	l := open(t, cfg)
	syncLog(t, l, l.Append(numbered(first, n)))
	l.Ack(acked)
	closeLog(t, l)
}

// TestGoldenFiles is R27.
func TestGoldenFiles(t *testing.T) {
	t.Parallel()
	block, err := aes.NewCipher(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", filepath.FromSlash(g.name))
			disk := vfs.NewMem()
			cfg := Config{FS: disk}
			if g.sealed {
				cfg.AEAD = aead
			}
			if _, err := os.Stat(dir); os.Getenv("SEGLOG_WRITE_GOLDENS") != "" && err != nil {
				g.make(t, disk, cfg)
				store(t, disk, dir)
			}
			disk = load(t, dir)
			cfg.FS = disk
			if strings.HasPrefix(g.name, "v3/") {
				c, _, _ := parseCursor(content(t, disk, cursorName))
				if c.last != uint64(g.first+g.n-1) || c.stamp.clock == 0 {
					t.Errorf("the cursor says %+v", c)
				}
			}
			l := open(t, cfg)
			records := readAll(t, l)
			wantRecords(t, records, g.first, g.n)
			for _, r := range records {
				want := laneOf(r.Seq)
				if strings.HasPrefix(g.name, "v1/") {
					want = 0
				}
				if r.Lane != want {
					t.Errorf("record %d is of lane %d, want %d", r.Seq, r.Lane, want)
				}
			}
			if s := l.State(); len(s.Dropped) > 0 || s.Recovered != int64(g.n) {
				t.Errorf("state: %+v", s)
			}
		})
	}
}

func store(t *testing.T, disk *vfs.Mem, dir string) {
	files, err := disk.ReadDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), content(t, disk, f.Name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func load(t *testing.T, dir string) *vfs.Mem {
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	disk := vfs.NewMem()
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		put(t, disk, f.Name(), b)
	}
	return disk
}

func content(t *testing.T, disk vfs.FS, name string) []byte {
	t.Helper()
	f, err := disk.OpenFile(name, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && size > 0 {
		t.Fatal(err)
	}
	return b
}

func TestUnknownVersionIsQuarantined(t *testing.T) {
	t.Parallel()
	future := image(header{first: 6, follows: 5, created: time.Now()}, texts(6, 5)...)
	future[8] = formatVersion + 1
	order.PutUint32(future[60:], crc32.Checksum(future[:60], castagnoli))
	disk, quarantine := vfs.NewMem(), vfs.NewMem()
	put(t, disk, segmentName(1, 0), image(header{first: 1, created: time.Now()}, texts(1, 5)...))
	put(t, disk, segmentName(6, 0), future)
	putCursor(t, disk, cursor{})
	var events []Event
	l := open(t, Config{FS: disk, Quarantine: quarantine, Report: func(e Event) { events = append(events, e) }})
	wantRecords(t, readAll(t, l), 1, 5)
	if len(events) != 1 || events[0].Kind != Quarantined || !errors.Is(events[0].Err, errVersion) {
		t.Errorf("events: %+v", events)
	}
	if got := content(t, quarantine, segmentName(6, 0)); !bytes.Equal(got, future) {
		t.Error("the copy in quarantine differs")
	}
	if files, _ := disk.ReadDir(); len(files) != 2 {
		t.Errorf("left in the folder: %v", files)
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	t.Parallel()
	folder := vfs.NewMem()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		put(t, folder, name, make([]byte, 20))
	}
	if n := boundFolder(folder, 64); n != 2 {
		t.Errorf("%d files were removed, want 2", n)
	}
	if files, _ := folder.ReadDir(); len(files) != 3 || files[0].Name != "c" {
		t.Errorf("left: %v", files)
	}
}
