package seglog

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// seeds returns n damaged forms of good, and good itself: cut, changed, doubled, with
// holes.
func seeds(good []byte, n int) [][]byte {
	rnd := rand.New(rand.NewPCG(uint64(len(good)), 7))
	all := [][]byte{good}
	for range n {
		b := bytes.Clone(good)
		switch i := rnd.IntN(len(b)); rnd.IntN(5) {
		case 0:
			b = b[:i]
		case 1:
			b[i] ^= 1 << rnd.IntN(8)
		case 2:
			b = slices.Insert(b, i, b[i/2:i]...)
		case 3:
			clear(b[i/2 : i])
		case 4:
			b = slices.Delete(b, i/2, i)
		}
		all = append(all, b)
	}
	return all
}

func FuzzFrame(f *testing.F) {
	var plain box
	good := plain.appendFrame(nil, &[16]byte{}, &entry{seq: 7, kind: Attachment, data: []byte(`{"a":"b"}`)})
	for _, s := range seeds(good, 60) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseFrame(b)
		if err != nil || got.sealed {
			return
		}
		again := plain.appendFrame(nil, &[16]byte{}, &entry{seq: got.seq, kind: got.kind, data: got.payload})
		if !bytes.Equal(again, b[:got.size()]) {
			t.Errorf("a frame of %x is written as %x", b[:got.size()], again)
		}
	})
}

// FuzzRecovery opens a folder with two segments of which one is anything.
func FuzzRecovery(f *testing.F) {
	good := image(header{first: 1, created: time.Unix(1e9, 0)}, texts(1, 9)...)
	old := image(header{first: 1, created: time.Unix(1e9, 0), start: blockSize}, texts(1, 9)...)
	for _, s := range append(seeds(good, 60), seeds(old, 20)...) {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, follow bool) {
		disk, quarantine := vfs.NewMem(), vfs.NewMem()
		put(t, disk, segmentName(1, 0), b)
		if follow {
			h := header{first: 10, follows: 9, created: time.Unix(1e9, 0)}
			put(t, disk, segmentName(10, 0), image(h, texts(10, 3)...))
		}
		cfg := Config{FS: disk, Quarantine: quarantine}
		first := reopened(t, cfg)
		second := reopened(t, cfg)
		if len(first) != len(second) {
			t.Errorf("%d records, after another start %d", len(first), len(second))
		}
	})
}

// reopened returns what a start finds, and checks that it adds up.
func reopened(t *testing.T, cfg Config) []Record {
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	found := l.State()
	recs := readAll(t, l)
	for i := 1; i < len(recs); i++ {
		if recs[i].Seq <= recs[i-1].Seq {
			t.Errorf("record %d after %d", recs[i].Seq, recs[i-1].Seq)
		}
	}
	s := l.State()
	if lost := s.Dropped[damage] - found.Dropped[damage]; found.Recovered != int64(len(recs))+lost || s.Unacked != int64(len(recs)) {
		t.Errorf("%d records read, %+v after %+v", len(recs), s, found)
	}
	closeLog(t, l)
	return recs
}

func FuzzCursor(f *testing.F) {
	good := appendCursor(nil, cursor{acked: 5, generation: 3}, time.Unix(1e9, 0))
	good = appendCursor(good, cursor{acked: 9, last: 12, generation: 4, origin: [16]byte{1, 2, 3}, stamp: stamp{clock: 5, boot: 6, up: 7}}, time.Unix(1e9, 0))
	for _, s := range seeds(good, 60) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := vfs.NewMem()
		put(t, disk, cursorName, b)
		c := cursorFile{fs: disk}
		err := c.load()
		acked := c.last.acked
		if acked > maxSeq || c.last.last > maxSeq || err != nil && c.last != (cursor{}) {
			t.Fatalf("loaded %+v, %v", c.last, err)
		}
		for i := range uint64(3) {
			next := cursor{acked: acked + i + 1, last: acked + 9, origin: [16]byte{1}, stamp: stamp{clock: 7}}
			if err := c.store(next); err != nil {
				t.Fatal(err)
			}
			again := cursorFile{fs: disk}
			if err := again.load(); err != nil || !again.sure || again.last != c.last || again.last.acked != next.acked {
				t.Fatalf("loaded %+v, %v, stored %+v", again.last, err, next)
			}
			again.close()
		}
		c.close()
	})
}
