package seglog

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// TestDamagedCursorClaimsNoLoss: what was delivered and removed is not counted as lost
// because the note of it is gone. One flipped bit does not even matter.
func TestDamagedCursorClaimsNoLoss(t *testing.T) {
	t.Parallel()
	whole := vfs.NewMem()
	l := open(t, Config{FS: whole, SegmentBytes: 400})
	for n := 1; n <= 100; n += 5 {
		syncLog(t, l, l.Append(numbered(n, 5)))
	}
	l.Ack(62)
	closeLog(t, l)
	files, _ := whole.ReadDir()
	first, _, _ := parseName(files[0].Name)
	if first < 30 || first > 62 {
		t.Fatalf("the first segment begins with %d", first)
	}
	unknown := int64(first - 1)
	type outcome struct {
		recovered, unknown int64
		events             int
	}
	all := outcome{101 - int64(first), unknown, 2}
	cases := map[string]struct {
		damage func(b []byte) []byte
		want   outcome
	}{
		"deleted":         {nil, all},
		"emptied":         {func([]byte) []byte { return nil }, all},
		"overwritten":     {func(b []byte) []byte { overwrite(b); return b }, all},
		"cut in half":     {func(b []byte) []byte { return b[:slotSize] }, outcome{38, 0, 1}},
		"newer slot lost": {func(b []byte) []byte { overwrite(newer(b)); return b }, all},
		"older slot lost": {func(b []byte) []byte { overwrite(older(b)); return b }, outcome{38, 0, 1}},
	}
	for bit := range 8 * cursorSize {
		cases["bit "+strconv.Itoa(bit)] = struct {
			damage func(b []byte) []byte
			want   outcome
		}{func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b }, outcome{38, 0, 0}}
	}
	for name, c := range cases {
		disk := snapshot(t, whole)
		if c.damage == nil {
			if err := disk.Remove(cursorName); err != nil {
				t.Fatal(err)
			}
		} else {
			change(t, disk, cursorName, c.damage)
		}
		if name == "cut in half" && newerSlot(content(t, whole, cursorName)) == 1 {
			c.want = all
		}
		found, err := Inspect(disk, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var lost, unsure uint64
		for _, d := range found.Damage {
			lost, unsure = lost+d.Lost, unsure+d.Unknown
		}
		var events []Event
		l := open(t, Config{FS: disk, SegmentBytes: 400, Report: func(e Event) { events = append(events, e) }})
		s := l.State()
		if got := (outcome{s.Recovered, s.Unknown, len(events)}); len(s.Dropped) > 0 || got != c.want {
			t.Errorf("%s: %+v, want %+v; dropped %v, events %+v", name, got, c.want, s.Dropped, events)
		}
		if lost != 0 || int64(unsure) != c.want.unknown || found.Records != c.want.recovered {
			t.Errorf("%s: inspected %+v", name, found)
		}
		closeLog(t, l)
	}
}

func newerSlot(b []byte) int {
	_, slot, _ := parseCursor(b)
	return slot
}

func newer(b []byte) []byte { return b[newerSlot(b)*slotSize:][:slotSize] }
func older(b []byte) []byte { return b[(1-newerSlot(b))*slotSize:][:slotSize] }

// TestLostTailIsCounted: a log that was closed, or whose process was killed, says how many
// records there were, whatever is cut off, emptied or deleted.
func TestLostTailIsCounted(t *testing.T) {
	t.Parallel()
	for _, policy := range []Policy{Group, Interval, None} {
		for _, killed := range []bool{false, true} {
			whole := vfs.NewMem()
			l := open(t, Config{FS: whole, Policy: policy})
			syncLog(t, l, l.Append(numbered(1, 50)))
			l.Ack(7)
			syncLog(t, l, l.Append(numbered(51, 50)))
			after := snapshot(t, whole)
			closeLog(t, l)
			if !killed {
				after = snapshot(t, whole)
			}
			size := int64(len(content(t, after, segmentName(1, 0))))
			for _, left := range []int64{-1, 0, 1, blockSize, headerSize, headerSize + 40, size / 2, size - 40, size - 1} {
				name := fmt.Sprintf("policy %d, killed %v, %d of %d bytes left", policy, killed, left, size)
				disk := snapshot(t, after)
				if left < 0 {
					if err := disk.Remove(segmentName(1, 0)); err != nil {
						t.Fatal(err)
					}
				} else if f, err := disk.OpenFile(segmentName(1, 0), os.O_RDWR); err != nil {
					t.Fatal(err)
				} else if err := f.Truncate(left); err != nil {
					t.Fatal(err)
				}
				found, err := Inspect(disk, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				damaged := int64(0)
				l := open(t, Config{FS: disk, Report: func(e Event) {
					if e.Kind == Damaged {
						damaged += e.Count
					}
				}})
				s, acked := l.State(), int64(found.Acked)
				if s.Recovered+s.Dropped[damage] != 100-acked || s.Unknown != 0 || damaged != s.Dropped[damage] || s.Appended != 100 {
					t.Errorf("%s: %+v, %d told", name, s, damaged)
				}
				lost := uint64(0)
				for _, d := range found.Damage {
					lost += d.Lost
				}
				if found.Records != s.Recovered || int64(lost) != s.Dropped[damage] {
					t.Errorf("%s: inspected %+v, opened %+v", name, found, s)
				}
				records := readAll(t, l)
				wantRecords(t, records, int(acked)+1, int(s.Recovered))
				syncLog(t, l, l.Append(numbered(101, 1)))
				if l.State().Appended != 101 {
					t.Errorf("%s: a number was given twice", name)
				}
				closeLog(t, l)
			}
		}
	}
}

// loss is what a trial of TestNoLossIsHiddenOrInvented knows of a folder.
type loss struct {
	disk   vfs.FS
	origin map[uint64][16]byte // of what was synced and not acknowledged, by number
	acked  uint64
}

// build runs a few processes in a folder; each syncs all that it appends, and is then closed
// or killed.
func build(t *testing.T, rnd *rand.Rand, aead cipher.AEAD) loss {
	t.Helper()
	b := loss{disk: vfs.NewMem(), origin: map[uint64][16]byte{}}
	for range 1 + rnd.IntN(4) {
		l := open(t, Config{FS: b.disk, SegmentBytes: []int64{300, 1000, 5000}[rnd.IntN(3)], AEAD: aead, Policy: Policy(rnd.IntN(3))})
		for range 1 + rnd.IntN(5) {
			n := 1 + rnd.IntN(12)
			last := l.Append(numbered(int(l.State().Appended)+1, n))
			syncLog(t, l, last)
			for seq := last - uint64(n) + 1; seq <= last; seq++ {
				b.origin[seq] = l.origin
			}
			if rnd.IntN(3) == 0 {
				b.acked += rnd.Uint64N(last - b.acked + 1)
				l.Ack(b.acked)
			}
		}
		synctest.Wait() // nothing changes while the disk is copied
		after := snapshot(t, b.disk)
		closeLog(t, l)
		if rnd.IntN(2) == 0 {
			b.disk = after
		}
	}
	cursor, _, _ := parseCursor(content(t, b.disk, cursorName)) // acknowledgements that are not on disk yet are forgotten
	for seq := range b.origin {
		if seq <= cursor.acked {
			delete(b.origin, seq)
		}
	}
	return b
}

// harm damages a file of the folder, and returns its name.
func harm(t *testing.T, rnd *rand.Rand, disk vfs.FS) string {
	t.Helper()
	files, err := disk.ReadDir()
	if err != nil || len(files) == 0 {
		return ""
	}
	name := files[rnd.IntN(len(files))].Name
	kind := rnd.IntN(6)
	if kind == 0 {
		if err := disk.Remove(name); err != nil {
			t.Fatal(err)
		}
		return name
	}
	change(t, disk, name, func(b []byte) []byte {
		if len(b) == 0 {
			return b
		}
		at := rnd.IntN(len(b))
		if rnd.IntN(3) == 0 {
			at = rnd.IntN(min(len(b), headerSize+frameSize))
		}
		to := at + rnd.IntN(len(b)-at) + 1
		switch kind {
		case 1:
			b = b[:0]
		case 2:
			b = b[:at]
		case 3:
			b[at] ^= 1 << rnd.IntN(8)
		case 4:
			clear(b[at:to])
		case 5:
			for i := at; i < min(to, at+rnd.IntN(200)); i++ {
				b[i] = byte(rnd.Uint32())
			}
		}
		return b
	})
	return name
}

// TestNoLossIsHiddenOrInvented damages a file, or two, of folders in which everything was
// synced. No record is read that was not written, in another order or by another run.
// What is counted as damaged is lost, and what is lost is counted, or is among what is
// said to be unknown. SEGLOG_DAMAGE_TRIALS is how often it tries.
func TestNoLossIsHiddenOrInvented(t *testing.T) {
	t.Parallel()
	trials := 1500
	if n, err := strconv.Atoi(os.Getenv("SEGLOG_DAMAGE_TRIALS")); err == nil {
		trials = n
	} else if testing.Short() || underRace {
		trials = 150
	}
	first := rand.Uint64() >> 1
	t.Logf("seeds from %d", first)
	for trial := range uint64(trials) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(first+trial, 6))
			aead := cipher.AEAD(nil)
			if rnd.IntN(3) == 0 {
				aead = testAEAD(t)
			}
			b := build(t, rnd, aead)
			harmed := []string{harm(t, rnd, b.disk)}
			if rnd.IntN(4) == 0 {
				harmed = append(harmed, harm(t, rnd, b.disk))
			}
			if files, _ := b.disk.ReadDir(); len(files) == 0 {
				return // nothing says that there was a log
			}
			if err := b.check(t, aead, harmed); err != nil {
				t.Errorf("seed %d, %q damaged: %v", first+trial, harmed, err)
			}
		})
		if t.Failed() {
			return
		}
	}
}

func (b *loss) check(t *testing.T, aead cipher.AEAD, harmed []string) error {
	told := false
	l := open(t, Config{FS: b.disk, AEAD: aead, Quarantine: vfs.NewMem(), Report: func(Event) { told = true }})
	found := map[uint64]bool{}
	before := uint64(0)
	for _, r := range readAll(t, l) {
		if string(r.Data) != fmt.Sprintf("record %d", r.Seq) || r.Seq <= before {
			return fmt.Errorf("record %d is %q, after %d", r.Seq, r.Data, before)
		}
		if was, ok := b.origin[r.Seq]; ok && was != r.Origin && r.Origin[6]>>4 != 8 {
			return fmt.Errorf("record %d has the origin of another run", r.Seq)
		}
		before = r.Seq
		found[r.Seq] = true
	}
	missing := int64(0)
	for seq := range b.origin {
		if !found[seq] {
			missing++
		}
	}
	s := l.State()
	damaged := s.Dropped[damage]
	closeLog(t, l)
	cursor := false
	for _, name := range harmed {
		cursor = cursor || name == cursorName
	}
	switch {
	case damaged > missing:
		return fmt.Errorf("%d missing, but %d counted", missing, damaged)
	case missing > damaged+s.Unknown && !(cursor && len(harmed) > 1 && told):
		return fmt.Errorf("%d missing, %d counted, %d unknown", missing, damaged, s.Unknown)
	case missing > 0 && !told:
		return errors.New("nothing was told")
	}
	return nil
}
