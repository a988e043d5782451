package delivery

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/transport"
)

// blobsLeft counts the blobs 0 to n-1 that are in the spool.
func (r *rig) blobsLeft(n int) (left int) {
	r.t.Helper()
	for i := range n {
		blob, err := r.cfg.Spool.OpenBlob(blobName(i))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			r.t.Fatal(err)
		}
		_ = blob.Close()
		left++
	}
	return left
}

func TestBlobsOfDroppedUploadsAreRemovedWhileRunning(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		down := true
		s.store = func(string, int) error {
			if down {
				return &transport.Error{Op: "upload", Status: 503}
			}
			return nil
		}
		bound := func(c *spool.Config) {
			c.Log.DropOldest = true
			if dir == "" {
				c.Log.MemoryBytes = 20_000 // of the records with their blobs
			} else {
				c.Log.MaxBytes = 10_000
			}
		}
		r := open(t, s, dir, Config{}, bound)
		const n = 50
		for i := range n {
			r.attach(blobName(i), "content")
		}
		young := strings.Repeat("f", 32)
		time.Sleep(40 * time.Minute)
		if _, err := r.cfg.Spool.PutBlob(young, strings.NewReader("its record is yet to come"), 100); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * gcEvery)
		a := r.Counters()
		if left := int64(r.blobsLeft(n)); total(a.Dropped) == 0 || left != a.Pending() {
			t.Errorf("%d blobs are left of %d: %+v", left, n, a)
		}
		r.attachPut(young, "its record is yet to come")
		s.mu.Lock()
		down = false
		s.mu.Unlock()
		r.flush()
		if got := s.files["repo/files/"+young]; got != "its record is yet to come" {
			t.Errorf("the young blob: %q", got)
		}
		r.close()
	})
}

func TestDroppedDeadLettersAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newServer(), "", Config{})
		data := make([]byte, 5<<20)
		for i := range 14 {
			if err := r.cfg.Spool.Dead(spool.Letter{Seq: uint64(i + 1), Kind: seglog.Line, Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		if a := r.Counters(); a.DeadDropped != 2 { // 12 of 5 MiB are within 64 MiB
			t.Errorf("%d dead letters were dropped, want 2", a.DeadDropped)
		}
		r.close()
	})
}
