package seglog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

var benchItem = []Item{{Kind: Line, Data: bytes.Repeat([]byte("x"), 500), Cost: 500}}

func realDisk(tb testing.TB) vfs.FS {
	tb.Helper()
	disk, err := vfs.OS(filepath.Join(tb.TempDir(), "spool"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = disk.Close() })
	return disk
}

func benchLog(tb testing.TB, cfg Config) *Log {
	tb.Helper()
	l, err := Open(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close(tb.Context()) })
	return l
}

// BenchmarkAppend is what a caller pays, in batches that are synced outside the clock.
func BenchmarkAppend(b *testing.B) {
	l := benchLog(b, Config{FS: realDisk(b)})
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		last := l.Append(benchItem)
		if n++; n%10000 == 0 {
			b.StopTimer()
			_ = l.Sync(b.Context(), last)
			l.Ack(last)
			b.StartTimer()
		}
	}
}

// BenchmarkAppendSync is what a caller waits that wants its record to be durable.
func BenchmarkAppendSync(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(callers)+" callers", func(b *testing.B) {
			l := benchLog(b, Config{FS: realDisk(b)})
			var wg sync.WaitGroup
			each := b.N/callers + 1
			for range callers {
				wg.Go(func() {
					for range each {
						_ = l.Sync(b.Context(), l.Append(benchItem))
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(each*callers)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	l := benchLog(b, Config{FS: realDisk(b)})
	const n = 200_000
	for range n {
		l.Append(benchItem)
	}
	if err := l.Sync(b.Context(), n); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var recs []Record
	for b.Loop() {
		for from := uint64(1); from <= n; {
			var err error
			if recs, err = l.Read(recs[:0], from, 2000, 4<<20); err != nil {
				b.Fatal(err)
			}
			from = recs[len(recs)-1].Seq + 1
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "records/s")
}

// TestRecoveryOfLargeLog is R19: SEGLOG_RECOVERY_MB is how much is recovered, 500 for
// the full form. It reports time and memory; machines differ, so it asserts only that
// all records are there.
func TestRecoveryOfLargeLog(t *testing.T) {
	mb, err := strconv.Atoi(os.Getenv("SEGLOG_RECOVERY_MB"))
	if err != nil {
		mb = 8
	}
	cfg := Config{FS: realDisk(t)}
	l := open(t, cfg)
	n := mb << 20 / (len(benchItem[0].Data) + frameSize)
	for i := range n {
		last := l.Append(benchItem)
		if i%20000 == 0 {
			syncLog(t, l, last)
		}
	}
	closeLog(t, l)
	runtime.GC()

	start := time.Now()
	l = open(t, cfg)
	took := time.Since(start)
	if s := l.State(); s.Recovered != int64(n) {
		t.Errorf("recovered %d of %d", s.Recovered, n)
	}
	start = time.Now()
	recs, err := l.Read(nil, 1, 2000, 4<<20)
	if err != nil || len(recs) != 2000 {
		t.Errorf("%d records, %v", len(recs), err)
	}
	t.Logf("%d records, %d MB: open %v, first read %v, %s", n, mb, took, time.Since(start), memory())
}

// memory says how much memory the process has and had at most.
func memory() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fmt.Sprint("memory unknown: ", err)
	}
	var lines []string
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(lines, ", ")
}
