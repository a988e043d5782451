package seglog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// image is a segment with records, as bytes.
func image(h header, texts ...string) []byte {
	b := appendHeader(nil, h)
	var plain box
	for i, text := range texts {
		b = plain.appendFrame(b, &h.origin, &entry{seq: h.first + uint64(i), kind: Line, data: []byte(text)})
	}
	return b
}

func texts(first, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("record %d", first+i)
	}
	return all
}

func put(t testing.TB, disk vfs.FS, name string, content []byte) {
	t.Helper()
	f, err := disk.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func putCursor(t *testing.T, disk vfs.FS, c cursor) {
	t.Helper()
	f := cursorFile{fs: disk}
	if err := f.store(c); err != nil {
		t.Fatal(err)
	}
	f.close()
}

// TestCutAnywhere is the first half of R3: of a segment that ends anywhere the records
// are read that are whole, and nothing is counted as damage.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	whole := image(header{first: 1, created: time.Now()}, texts(1, 12)...)
	for n := range len(whole) + 1 {
		records := 0
		for records < 12 && n >= headerSize && n >= len(image(header{first: 1, created: time.Now()}, texts(1, records+1)...)) {
			records++
		}
		disk := vfs.NewMem()
		put(t, disk, segmentName(1, 0), whole[:n])
		l, err := Open(Config{FS: disk})
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		wantRecords(t, readAll(t, l), 1, records)
		if s := l.State(); len(s.Dropped) > 0 || s.Recovered != int64(records) {
			t.Errorf("cut at %d: %+v", n, s)
		}
		closeLog(t, l)
	}
}

// TestFlipAnywhere is the second half of R3: a changed bit costs the record that it is
// in, and that is counted; in the header it costs nothing. The cursor knows of no record,
// so behind the last one nothing says that there was one.
func TestFlipAnywhere(t *testing.T) {
	t.Parallel()
	h := header{first: 1, created: time.Now()}
	whole := image(h, texts(1, 12)...)
	for i := range whole {
		if underRace && i%4 > 0 {
			continue
		}
		for bit := range 8 {
			if bit != i%8 && (testing.Short() || underRace) {
				continue
			}
			hit := 0 // the record that the bit is in; 0 is the header
			for len(image(h, texts(1, hit)...)) <= i {
				hit++
			}
			disk, quarantine := vfs.NewMem(), vfs.NewMem()
			putCursor(t, disk, cursor{})
			changed := bytes.Clone(whole)
			changed[i] ^= 1 << bit
			put(t, disk, segmentName(1, 0), changed)
			l, err := Open(Config{FS: disk, Quarantine: quarantine})
			if err != nil {
				t.Fatal(err)
			}
			checkFlip(t, l, hit, 12)
			if files, _ := quarantine.ReadDir(); len(files) != 1 {
				t.Errorf("bit %d of byte %d: quarantine has %v", bit, i, files)
			}
			closeLog(t, l)
		}
		if t.Failed() {
			t.Fatalf("at byte %d", i)
		}
	}
}

// checkFlip checks a log of n records of which one was hit; 0 is the header.
func checkFlip(t *testing.T, l *Log, hit, n int) {
	t.Helper()
	recs := readAll(t, l)
	lost := int64(min(hit, 1))
	if want := n - int(lost); len(recs) != want {
		t.Fatalf("%d records, want %d", len(recs), want)
	}
	for i, r := range recs {
		seq := i + 1
		if hit > 0 && seq >= hit {
			seq++
		}
		if r.Seq != uint64(seq) || !bytes.HasPrefix(r.Data, fmt.Appendf(nil, "record %d", seq)) {
			t.Fatalf("record %d is %.20q, want %d", r.Seq, r.Data, seq)
		}
	}
	if hit == n {
		lost = 0
	}
	if got := l.State().Dropped[damage]; got != lost {
		t.Fatalf("%d counted as damaged, want %d", got, lost)
	}
}

// TestFlipInLargeSegment is R3 for a segment of 16 MiB. SEGLOG_DAMAGE_TRIALS is how many
// places it tries.
func TestFlipInLargeSegment(t *testing.T) {
	t.Parallel()
	trials := 40
	if n, err := strconv.Atoi(os.Getenv("SEGLOG_DAMAGE_TRIALS")); err == nil {
		trials = n
	} else if testing.Short() || underRace {
		trials = 3
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	noise := rand.NewChaCha8([32]byte{byte(seed)})
	all := texts(1, 2000)
	fill := make([]byte, 8100)
	for i := range all {
		noise.Read(fill)
		copy(fill[rnd.IntN(8000):], frameMagic) // a false beginning of a frame
		all[i] += " " + string(fill)
	}
	whole := image(header{first: 1, created: time.Now()}, all...)
	ends := []int{headerSize}
	for _, text := range all {
		ends = append(ends, ends[len(ends)-1]+frameSize+len(text))
	}
	for range trials {
		i := rnd.IntN(len(whole))
		hit := 0
		for ends[hit] <= i {
			hit++
		}
		disk := vfs.NewMem()
		putCursor(t, disk, cursor{})
		whole[i] ^= 0x10
		put(t, disk, segmentName(1, 0), whole)
		whole[i] ^= 0x10
		l, err := Open(Config{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		checkFlip(t, l, hit, len(all))
		closeLog(t, l)
	}
}

// TestDamageMetByRead damages a segment that is open already.
func TestDamageMetByRead(t *testing.T) {
	t.Parallel()
	disk, quarantine := vfs.NewMem(), vfs.NewMem()
	l := open(t, Config{FS: disk, Quarantine: quarantine})
	syncLog(t, l, l.Append(numbered(1, 12)))
	f, err := disk.OpenFile(segmentName(1, 0), os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(headerSize + 4*(frameSize+8) + frameSize) // in record 5
	if _, err := f.WriteAt([]byte("XYZ"), at); err != nil {
		t.Fatal(err)
	}
	checkFlip(t, l, 5, 12)
	checkFlip(t, l, 5, 12) // it is counted once
	l.Ack(12)
	closeLog(t, l)
	if files, _ := quarantine.ReadDir(); len(files) != 1 {
		t.Errorf("quarantine has %v", files)
	}
}

func TestMissingSegmentIsCounted(t *testing.T) {
	t.Parallel()
	for missing := range 3 {
		disk := vfs.NewMem()
		putCursor(t, disk, cursor{})
		at := 0
		for i := range 4 {
			if i != missing {
				h := header{first: uint64(at + 1), follows: uint64(at), created: time.Now()}
				put(t, disk, segmentName(uint64(at+1), 0), image(h, texts(at+1, 5)...))
			}
			at += 5
		}
		l := open(t, Config{FS: disk})
		if s := l.State(); s.Dropped[damage] != 5 || s.Recovered != 15 || s.Appended != 20 {
			t.Errorf("without segment %d: %+v", missing, s)
		}
		if recs := readAll(t, l); len(recs) != 15 {
			t.Errorf("without segment %d: %d records", missing, len(recs))
		}
	}
}

// TestGapThatWasNeverWritten: records dropped from memory are no damage later.
func TestGapThatWasNeverWritten(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	put(t, disk, segmentName(1, 0), image(header{first: 1, created: time.Now()}, texts(1, 5)...))
	put(t, disk, segmentName(9, 0), image(header{first: 9, follows: 5, created: time.Now()}, texts(9, 2)...))
	l := open(t, Config{FS: disk})
	if s := l.State(); len(s.Dropped) > 0 || s.Recovered != 7 || s.Unacked != 7 || s.Appended != 10 {
		t.Errorf("state: %+v", s)
	}
}

func TestLaterCopyCounts(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	h := header{first: 1, created: time.Now()}
	put(t, disk, segmentName(1, 0), image(h, append(texts(1, 5), "stale", "stale")...))
	h.first, h.follows = 6, 5
	put(t, disk, segmentName(6, 0), image(h, "stale"))
	put(t, disk, segmentName(6, 1), image(h, texts(6, 4)...))
	l := open(t, Config{FS: disk})
	wantRecords(t, readAll(t, l), 1, 9)
	if s := l.State(); len(s.Dropped) > 0 || s.Recovered != 9 {
		t.Errorf("state: %+v", s)
	}
}

func TestCursorPastTheEnd(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	put(t, disk, segmentName(1, 0), image(header{first: 1, created: time.Now()}, texts(1, 5)...))
	putCursor(t, disk, cursor{acked: 41})
	l := open(t, Config{FS: disk})
	if s := l.State(); s.Recovered != 0 || l.Next() != 42 || len(s.Dropped) > 0 {
		t.Errorf("next is %d, state %+v", l.Next(), s)
	}
	syncLog(t, l, l.Append(numbered(42, 1)))
	wantRecords(t, readAll(t, l), 42, 1)
}
