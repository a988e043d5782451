package seglog

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// lines makes items of one byte of cost per byte.
func lines(texts ...string) []Item {
	items := make([]Item, len(texts))
	for i, t := range texts {
		items[i] = Item{Kind: Line, Data: []byte(t), Cost: int64(len(t))}
	}
	return items
}

// numbered makes items that say which they are.
func numbered(from, n int) []Item {
	items := make([]Item, n)
	for i := range items {
		items[i] = lines(fmt.Sprintf("record %d", from+i))[0]
	}
	return items
}

func open(t *testing.T, cfg Config) *Log {
	t.Helper()
	l, err := Open(cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = l.Close(t.Context()) })
	return l
}

func closeLog(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Close(t.Context()); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func syncLog(t *testing.T, l *Log, seq uint64) {
	t.Helper()
	if err := l.Sync(t.Context(), seq); err != nil {
		t.Fatalf("Sync(%d): %v", seq, err)
	}
}

// readAll reads everything that is readable from Next on, as copies.
func readAll(t *testing.T, l *Log) []Record {
	t.Helper()
	var all []Record
	from := l.Next()
	for {
		recs, err := l.Read(nil, from, 100, 1<<20)
		if err != nil {
			t.Fatalf("Read from %d: %v", from, err)
		}
		if len(recs) == 0 {
			return all
		}
		for _, r := range recs {
			r.Data = append([]byte(nil), r.Data...)
			all = append(all, r)
			from = r.Seq + 1
		}
	}
}

func wantRecords(t *testing.T, recs []Record, first, n int) {
	t.Helper()
	if len(recs) != n {
		t.Fatalf("%d records, want %d", len(recs), n)
	}
	for i, r := range recs {
		if want := fmt.Sprintf("record %d", first+i); string(r.Data) != want || r.Seq != uint64(first+i) {
			t.Fatalf("record %d is %d %q, want %d %q", i, r.Seq, r.Data, first+i, want)
		}
	}
}

func TestRecordsAreReadAndRecoveredUntilAcked(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	cfg := Config{FS: disk, SegmentBytes: 300}
	l := open(t, cfg)
	syncLog(t, l, l.Append(numbered(1, 50)))
	wantRecords(t, readAll(t, l), 1, 50)
	l.Ack(20)
	if err := l.WaitAcked(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)

	l = open(t, cfg)
	if s := l.State(); s.Recovered != 30 || s.Unacked != 30 || s.Acked != 20 {
		t.Errorf("state after the second start: %+v", s)
	}
	syncLog(t, l, l.Append(numbered(51, 10)))
	recs := readAll(t, l)
	wantRecords(t, recs, 21, 40)
	if recs[0].Origin == recs[39].Origin {
		t.Error("records of two runs have the same origin")
	}
	l.Ack(60)
	closeLog(t, l)
	if files, _ := disk.ReadDir(); len(files) != 1 {
		t.Errorf("everything is acknowledged, but there are %v", files)
	}
}

func TestMemoryModeKeepsRecordsUntilAcked(t *testing.T) {
	t.Parallel()
	var freed int64
	l, err := Open(Config{Release: func(n int64) { freed += n }})
	if err != nil {
		t.Fatal(err)
	}
	l.Append(numbered(1, 5))
	<-l.Changed()
	wantRecords(t, readAll(t, l), 1, 5)
	l.Ack(3)
	if freed != 3*8 {
		t.Errorf("released %d, want 24", freed)
	}
	if err := l.Close(t.Context()); !errors.Is(err, ErrNotDurable) {
		t.Errorf("Close: %v, want ErrNotDurable", err)
	}
	if freed != 5*8 {
		t.Errorf("released %d at the end, want 40", freed)
	}
	if err := l.Sync(t.Context(), 5); !errors.Is(err, ErrClosed) {
		t.Errorf("Sync after Close: %v, want ErrClosed", err)
	}
}

func TestRecordsAreCommittedWithoutSync(t *testing.T) {
	t.Parallel()
	l := open(t, Config{FS: vfs.NewMem()})
	l.Append(numbered(1, 3))
	select {
	case <-l.Changed():
	case <-time.After(10 * time.Second):
		t.Fatal("nothing became readable")
	}
	wantRecords(t, readAll(t, l), 1, 3)
	if s := l.State(); s.Durable != 3 || s.MemoryBytes != 0 {
		t.Errorf("state: %+v", s)
	}
}
