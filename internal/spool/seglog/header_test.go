package seglog

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

func testAEAD(t testing.TB) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

// threeRuns is a folder with the records 1 to 30, in a segment for each run of a process.
func threeRuns(t *testing.T, aead cipher.AEAD) *vfs.Mem {
	t.Helper()
	disk := vfs.NewMem()
	for first := 1; first < 30; first += 10 {
		fill(t, Config{FS: disk, AEAD: aead}, first, 10, 0)
	}
	return disk
}

// change changes the bytes of a file.
func change(t *testing.T, disk vfs.FS, name string, f func(b []byte) []byte) {
	t.Helper()
	b := f(content(t, disk, name))
	put(t, disk, name, b)
}

// headerDamages are what may become of a header.
func headerDamages() map[string]func(b []byte) {
	all := map[string]func(b []byte){}
	for bit := range 8 * headerSize {
		all[fmt.Sprintf("bit %d flipped", bit)] = func(b []byte) { b[bit/8] ^= 1 << (bit % 8) }
	}
	for name, field := range map[string][2]int{
		"magic": {0, 8}, "version": {8, 12}, "clock": {12, 16}, "origin": {16, 32}, "first": {32, 40}, "created": {40, 48},
		"follows": {48, 56}, "checksum": {60, 64}, "first half": {0, 32}, "second half": {32, 64}, "header": {0, 64},
	} {
		for block := range 2 {
			from, to := field[0]+block*blockSize, field[1]+block*blockSize
			all[fmt.Sprintf("%s of block %d cleared", name, block)] = func(b []byte) { clear(b[from:to]) }
			all[fmt.Sprintf("%s of block %d overwritten", name, block)] = func(b []byte) { overwrite(b[from:to]) }
		}
		all[name+" cleared twice"] = func(b []byte) { clear(b[field[0]:field[1]]); clear(b[blockSize+field[0] : blockSize+field[1]]) }
		all[name+" overwritten twice"] = func(b []byte) {
			overwrite(b[field[0]:field[1]])
			overwrite(b[blockSize+field[0] : blockSize+field[1]])
		}
	}
	return all
}

func overwrite(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}

// TestDamagedHeaderCostsNoRecord: whatever becomes of a header, all records are read, with
// the same numbers and origins at each start, nothing is counted as lost, and a copy of
// the segment is kept. One flipped bit does not change the origins either.
func TestDamagedHeaderCostsNoRecord(t *testing.T) {
	t.Parallel()
	for _, aead := range []cipher.AEAD{nil, testAEAD(t)} {
		whole := threeRuns(t, aead)
		before := readAll(t, open(t, Config{FS: snapshot(t, whole), AEAD: aead}))
		for damage, apply := range headerDamages() {
			for _, first := range []uint64{1, 11, 21} {
				if strings.HasPrefix(damage, "bit") && first != 11 {
					continue // it takes long
				}
				if (strings.HasPrefix(damage, "origin") || strings.HasPrefix(damage, "header") || strings.HasPrefix(damage, "first half")) &&
					strings.HasSuffix(damage, "twice") && aead != nil && first < 21 {
					continue // no other file has the origin of this run: TestSealedSegmentOfAnUnknownRun
				}
				disk, quarantine := snapshot(t, whole), vfs.NewMem()
				sound := content(t, disk, segmentName(first, 0))
				change(t, disk, segmentName(first, 0), func(b []byte) []byte { apply(b); return b })
				if bytes.Equal(sound, content(t, disk, segmentName(first, 0))) {
					continue // the field was clear before
				}
				found, err := Inspect(disk, aead, nil)
				if err != nil || found.Records != 30 || len(found.Damage) != 1 || found.Damage[0].Lost+found.Damage[0].Unknown != 0 {
					t.Errorf("%s in segment %d: inspected %+v, %v", damage, first, found, err)
				}
				var earlier []Record
				for start := range 2 {
					l := open(t, Config{FS: disk, Quarantine: quarantine, AEAD: aead})
					records := readAll(t, l)
					wantRecords(t, records, 1, 30)
					if s := l.State(); len(s.Dropped) > 0 || s.Unknown != 0 || s.Recovered != 30 {
						t.Errorf("%s in segment %d, start %d: %+v", damage, first, start, s)
					}
					for i := range records {
						// Which run sealed a record is proven by opening it.
						exact := !strings.HasSuffix(damage, "twice") || aead != nil || records[i].Seq < first || records[i].Seq >= first+10
						if exact && records[i].Origin != before[i].Origin || start > 0 && records[i].Origin != earlier[i].Origin {
							t.Fatalf("%s in segment %d, start %d: record %d has another origin", damage, first, start, i+1)
						}
					}
					earlier = records
					closeLog(t, l)
				}
				if files, _ := quarantine.ReadDir(); len(files) != 1 {
					t.Errorf("%s in segment %d: quarantine has %v", damage, first, files)
				}
				if t.Failed() {
					return
				}
			}
		}
	}
}

// TestSealedSegmentOfAnUnknownRun: sealed records can be opened only with the origin of
// their run. Where it is in no block of the header, no other segment and not in the cursor
// they are lost, and counted exactly.
func TestSealedSegmentOfAnUnknownRun(t *testing.T) {
	t.Parallel()
	aead := testAEAD(t)
	disk, quarantine := threeRuns(t, aead), vfs.NewMem()
	change(t, disk, segmentName(11, 0), func(b []byte) []byte { clear(b[:headerSize]); return b })
	var moved error
	l := open(t, Config{FS: disk, Quarantine: quarantine, AEAD: aead, Report: func(e Event) {
		if e.Kind == Quarantined {
			moved = e.Err
		}
	}})
	if s := l.State(); s.Dropped[damage] != 10 || s.Unknown != 0 || s.Recovered != 20 || !errors.Is(moved, errOrigin) {
		t.Errorf("%+v, %v", s, moved)
	}
	records := readAll(t, l)
	if len(records) != 20 || records[9].Seq != 10 || records[10].Seq != 21 {
		t.Errorf("read %v", numbers(records))
	}
	if files, _ := quarantine.ReadDir(); len(files) != 1 {
		t.Errorf("quarantine has %v", files)
	}
}

// TestDamagedHeaderOfAnOlderVersion is the same for the one block of versions 1 and 2.
func TestDamagedHeaderOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	whole := image(header{first: 1, created: time.Now(), start: blockSize}, texts(1, 10)...)
	for damage, apply := range headerDamages() {
		changed := bytes.Clone(whole)
		apply(changed)
		if !bytes.Equal(changed[blockSize:], whole[blockSize:]) || bytes.Equal(changed, whole) {
			continue // this is in the frames, or nowhere
		}
		disk := vfs.NewMem()
		put(t, disk, segmentName(1, 0), changed)
		for start := range 2 {
			l := open(t, Config{FS: disk})
			wantRecords(t, readAll(t, l), 1, 10)
			if s := l.State(); len(s.Dropped) > 0 || s.Unknown != 0 {
				t.Errorf("%s, start %d: %+v", damage, start, s)
			}
			closeLog(t, l)
		}
	}
}
