package delivery

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCountersCountSentAndPendingEntries(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		failures := 2
		s.script = func(*post) answer {
			if failures > 0 {
				failures--
				return answer{status: 429, retryAfter: "60"}
			}
			return answer{}
		}
		r := open(t, s, dir, Config{BatchEntries: 10})
		lines := numbered(12)
		r.log(lines...)
		time.Sleep(time.Second)
		synctest.Wait()
		before := r.Counters()
		if before.Sent != (Sent{}) || before.Retries != 1 || before.Oldest.IsZero() {
			t.Errorf("after one failure: %+v", before)
		}
		r.flush()
		r.attach(blobName(1), "content")
		r.flush()

		after := r.Counters()
		first, rest := strings.Join(lines[:10], "\n"), strings.Join(lines[10:], "\n")
		want := Sent{
			Batches: 3, Entries: 13, Bytes: int64(len(first) + len(rest) + len(attachmentLine(blobName(1)))),
			LargestEntries: 10, LargestBytes: int64(len(first)), Uploads: 1, UploadBytes: 7,
		}
		if diff := cmp.Diff(want, after.Sent); diff != "" || after.Retries != 2 || !after.Oldest.IsZero() {
			t.Errorf("%s, %d retries, oldest %v", diff, after.Retries, after.Oldest)
		}
		r.close()
	})
}

func TestOldestIsTheEarlierOfBothLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 429, retryAfter: "60"} }
		s.store = func(string, int) error { return errPanicked }
		r := open(t, s, "", Config{})
		begun := time.Now()
		r.log(numbered(1)...)
		time.Sleep(time.Minute)
		r.attach(blobName(1), "content")
		synctest.Wait()
		if oldest := r.Counters().Oldest; !oldest.Equal(begun) {
			t.Errorf("the oldest entry is of %v, want %v", oldest, begun)
		}
	})
}
