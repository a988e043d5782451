package spool_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/messages"
)

func entry(n int) messages.Entry { return messages.Entry{Line: fmt.Appendf(nil, "%04d", n)} }

func lines(entries []messages.Entry) []string {
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		out = append(out, string(e.Line))
	}
	return out
}

// Whatever is appended, taken and discarded in whatever order of steps: entries come
// once, in order, stay until they are discarded, and are all accounted for.
func TestEntriesLeaveOnceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := spool.NewMemory()
		next := 0
		var waiting, taken []string // the model
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				var add []messages.Entry
				for range rapid.IntRange(0, 10).Draw(t, "add") {
					add = append(add, entry(next))
					next++
				}
				q.Append(add)
				waiting = append(waiting, lines(add)...)
				clear(add) // the queue keeps the lines, not the slice
			case 1:
				most, bytes := rapid.IntRange(1, 10).Draw(t, "most"), rapid.IntRange(1, 40).Draw(t, "bytes")
				n := min(len(waiting), most, max(1, bytes/5))
				got := lines(q.Take(nil, most, bytes))
				if diff := cmp.Diff(waiting[:n], got); diff != "" && (n > 0 || len(got) > 0) {
					t.Fatalf("Take(%d entries, %d bytes) (-want +got):\n%s", most, bytes, diff)
				}
				taken, waiting = append(taken, waiting[:n]...), waiting[n:]
			case 2:
				n := rapid.IntRange(0, len(taken)).Draw(t, "discard")
				if diff := cmp.Diff(taken[:n], lines(q.Discard(nil, n))); diff != "" && n > 0 {
					t.Fatalf("Discard(%d) (-want +got):\n%s", n, diff)
				}
				taken = taken[n:]
			}
			if n, bytes, oldest := q.Waiting(); n != len(waiting) || bytes != 4*len(waiting) || oldest.IsZero() != (n == 0) {
				t.Fatalf("Waiting = %d entries, %d bytes, %v; want %d entries", n, bytes, oldest, len(waiting))
			}
		}
		left := append(append([]string{}, taken...), waiting...)
		if diff := cmp.Diff(left, lines(q.Drain())); diff != "" {
			t.Fatalf("Drain (-want +got):\n%s", diff)
		}
		if n, _, _ := q.Waiting(); n != 0 || len(q.Drain()) != 0 {
			t.Fatal("something is left after Drain")
		}
	})
}

func TestAnEntryLargerThanABatchIsTakenAlone(t *testing.T) {
	q := spool.NewMemory()
	q.Append([]messages.Entry{{Line: make([]byte, 1000)}, entry(1)})
	if got := q.Take(nil, 10, 100); len(got) != 1 || len(got[0].Line) != 1000 {
		t.Errorf("took %d entries, want the large one alone", len(got))
	}
	if got := q.Take(nil, 10, 100); len(got) != 1 {
		t.Errorf("took %d entries, want the small one", len(got))
	}
}

func TestAppendSignalsWithoutBlocking(t *testing.T) {
	q := spool.NewMemory()
	q.Append([]messages.Entry{entry(1)})
	q.Append([]messages.Entry{entry(2)})
	<-q.Changed()
	select {
	case <-q.Changed():
		t.Error("two signals for what one look sees")
	default:
	}
}
