package logger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/delivery"
	"github.com/troupelog/troupe/transport"
)

// flaky fails at random, and uploads too.
type flaky struct {
	sends, uploads atomic.Int64 // percent that fails
	lines          atomic.Int64
	hang           chan struct{}
}

func (f *flaky) Send(ctx context.Context, b transport.Batch) error {
	if rand.Int64N(100) < f.sends.Load() {
		return &transport.Error{Op: "send", Kind: transport.Retry}
	}
	f.lines.Add(int64(b.Lines))
	return nil
}
func (f *flaky) Upload(ctx context.Context, file transport.File) error {
	c, err := file.Open()
	if err != nil {
		return err
	}
	io.Copy(io.Discard, c)
	c.Close()
	if f.hang != nil {
		<-f.hang
	}
	if rand.Int64N(100) < f.uploads.Load() {
		return &transport.Error{Op: "upload", Kind: transport.Retry}
	}
	return nil
}

var _ delivery.Client = (*flaky)(nil)

func env(string) string { return "" }

func TestReviewStress(t *testing.T) {
	for _, d := range []Durability{SyncGroup, SyncEach, SyncInterval, SyncNone, Memory} {
		for _, full := range []OnFull{Block, DropOldest} {
			t.Run(fmt.Sprintf("%d-%d", d, full), func(t *testing.T) {
				t.Parallel()
				f, f2 := &flaky{}, &flaky{}
				f.sends.Store(20)
				f.uploads.Store(20)
				f2.uploads.Store(20)
				c := Config{ID: "r", Durability: d, OnFull: full, SpoolDir: filepath.Join(t.TempDir(), "s"), MaxBytes: 400_000, MaxSpoolBytes: 1 << 20,
					MaxWait: 20 * time.Millisecond, FlushInterval: 5 * time.Millisecond, OnError: func(error) {}}.withDefaults(env)
				l, err := start(c, f, nil)
				if err != nil {
					t.Fatal(err)
				}
				c2 := c
				c2.ID = "r2"
				if err := l.addSink(c2, f2, func() {}); err != nil {
					t.Fatal(err)
				}
				stop := make(chan struct{})
				var watch sync.WaitGroup
				watch.Go(func() {
					for {
						s := l.Stats()
						if s.Pending < 0 || s.Sinks[0].Pending < 0 {
							t.Errorf("negative: %v %+v", s, s.Sinks[0])
							return
						}
						if s.PendingBytes < 0 {
							t.Errorf("bytes %d", s.PendingBytes)
							return
						}
						select {
						case <-stop:
							return
						case <-time.After(time.Millisecond):
						}
					}
				})
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						tr := l.Trace(TraceConfig{})
						for i := range 40 {
							tr.AddTag("a", strings.Repeat("x", rand.IntN(20_000)))
							if i%5 == 0 {
								tr.AddAttachment(DataAttachment(make([]byte, rand.IntN(30_000))))
							}
						}
						tr.End()
					})
				}
				wg.Wait()
				f.sends.Store(0)
				f.uploads.Store(0)
				f2.uploads.Store(0)
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				err = l.Flush(ctx)
				s := l.Stats()
				t.Log(err, s, s.PendingBytes, s.DroppedBy, s.RejectedBy, s.Sinks)
				if s.Pending != 0 || s.PendingBytes != 0 || s.Sinks[0].Pending != 0 {
					t.Errorf("pending %d bytes %d sink %d", s.Pending, s.PendingBytes, s.Sinks[0].Pending)
				}
				if s.Delivered > f.lines.Load() {
					t.Errorf("delivered %d arrived %d", s.Delivered, f.lines.Load())
				}
				close(stop)
				watch.Wait()
				t.Log(l.Close(ctx))
			})
		}
	}
}

func TestReviewDropOldestUploadsDown(t *testing.T) {
	f := &flaky{}
	f.sends.Store(100)
	f.uploads.Store(100)
	c := Config{ID: "r", Durability: Memory, OnFull: DropOldest, MaxBytes: 1 << 20, MaxWait: 20 * time.Millisecond, FlushInterval: time.Millisecond, OnError: func(error) {}}.withDefaults(env)
	l, _ := start(c, f, nil)
	tr := l.Trace(TraceConfig{})
	for range 100 {
		tr.AddAttachment(DataAttachment(make([]byte, 100_000)))
		tr.AddTag("a", strings.Repeat("x", 10_000))
	}
	s := l.Stats()
	if s.Rejected > 0 {
		t.Errorf("%v %v rejected %v, PendingBytes %d of %d", s, s.DroppedBy, s.RejectedBy, s.PendingBytes, c.MaxBytes)
	}
	l.Close(canceled())
	if n := l.Stats().PendingBytes; n != 0 {
		t.Errorf("bytes %d", n)
	}
}

// what a sink in memory holds while its storage is down.
func TestReviewSinkMemoryUnbounded(t *testing.T) {
	f, f2 := &flaky{}, &flaky{}
	f2.uploads.Store(100)
	c := Config{ID: "r", Durability: Memory, MaxBytes: 4 << 20, FlushInterval: time.Millisecond, OnError: func(error) {}}.withDefaults(env)
	l, _ := start(c, f, nil)
	c2 := c
	c2.ID, c2.MaxBytes = "r2", 1<<20
	l.addSink(c2, f2, func() {})
	tr := l.Trace(TraceConfig{})
	held := int64(0)
	for i := range 60 {
		a := DataAttachment([]byte("x"))
		a.Metadata = map[string]any{"m": strings.Repeat("x", 200_000)}
		tr.AddAttachment(a)
		time.Sleep(30 * time.Millisecond)
		_ = i
	}
	held = l.primary().spool.Uploads.State().UnackedBytes
	u := (*l.destinations.Load())[1].spool.Uploads.State()
	t.Logf("primary %d; sink holds %d jobs, %d bytes; MaxBytes %d; %+v", held, u.Unacked, u.UnackedBytes, c2.MaxBytes, l.Stats().Sinks[0])
	if u.UnackedBytes > c2.MaxBytes*3/2 {
		t.Errorf("bound exceeded")
	}
	l.Close(canceled())
}

func TestReviewAttachmentsInMemoryBound(t *testing.T) {
	f := &flaky{}
	c := Config{ID: "r", Durability: Memory, MaxBytes: 1 << 20, MaxWait: 3 * time.Second, OnError: func(error) {}, ManualFlush: true}.withDefaults(env)
	l, _ := start(c, f, nil)
	tr := l.Trace(TraceConfig{})
	f.uploads.Store(100)
	for range 3 {
		tr.AddAttachment(DataAttachment(make([]byte, 300_000)))
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { tr.AddAttachment(DataAttachment(make([]byte, 900_000))) })
	}
	wg.Wait()
	t.Log(l.Stats(), l.Stats().RejectedBy)
	l.Close(canceled())
}

func TestReviewEncrypted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	r := newRig(t, Config{SpoolDir: dir, SpoolKey: bytes.Repeat([]byte{1}, 32)}, nil)
	r.sink.setDown(true)
	tr := r.Trace(TraceConfig{ID: "NEEDLEid", Name: "NEEDLE"})
	a := DataAttachment([]byte("NEEDLE content"))
	a.Name = "NEEDLE"
	tr.AddAttachment(a)
	tr.AddTag("a", "NEEDLE"+strings.Repeat("x", 1_000_000))
	r.Sync(t.Context())
	r.giveUp()
	n := 0
	filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		n++
		if b, err := os.ReadFile(p); err == nil && bytes.Contains(b, []byte("NEEDLE")) || strings.Contains(p, "NEEDLE") {
			t.Error("plain text in", p)
		}
		if i, _ := e.Info(); i.Mode().Perm()&0o077 != 0 {
			t.Error(p, i.Mode())
		}
		return nil
	})
	t.Log(n, "files")
	// a wrong key, then none
	r = newRig(t, Config{SpoolDir: dir}, nil)
	r.Trace(TraceConfig{ID: "x"}).End()
	t.Log(r.flushed(), r.close())
}

func TestReviewSymlinkedDir(t *testing.T) {
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	os.Symlink(real, link)
	r := newRig(t, Config{SpoolDir: filepath.Join(link, "s"), Durability: SyncGroup}, nil)
	t.Log(r.Health().Spool)
	r.close()
	r = newRig(t, Config{SpoolDir: link, Durability: SyncGroup}, nil)
	t.Log(r.Health().Spool)
	r.close()
	r = newRig(t, Config{SpoolDir: "relative-review", Durability: SyncGroup}, nil)
	t.Log(r.Health().Spool)
	r.close()
	os.RemoveAll("relative-review")
}

// Close while an upload that ignores its context ends well.
func TestReviewLateUpload(t *testing.T) {
	for i := range 10 {
		dir := filepath.Join(t.TempDir(), "s")
		f := &flaky{hang: make(chan struct{})}
		c := Config{ID: "r", SpoolDir: dir, FlushInterval: time.Millisecond, OnError: func(error) {}}.withDefaults(env)
		l, _ := start(c, f, nil)
		tr := l.Trace(TraceConfig{})
		tr.AddAttachment(DataAttachment([]byte("x")))
		for l.primary().sink.Account().Spooled == 0 || l.primary().spool.Uploads.State().Written == 0 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(30 * time.Millisecond)
		go func() {
			time.Sleep(time.Duration(55+i) * time.Millisecond)
			close(f.hang)
		}()
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		err := l.Close(ctx)
		cancel()
		time.Sleep(100 * time.Millisecond)
		s := l.Stats()
		f2 := &flaky{}
		l2, _ := start(c, f2, nil)
		l2.Flush(t.Context())
		l2.Close(t.Context())
		if s2 := l2.Stats(); s.Delivered+s2.Delivered != s.Accepted || s.Pending != s2.Recovered {
			t.Errorf("%d: %v, %v %v; next %v", i, err, s, s.DroppedBy, s2)
		}
	}
}

func TestReviewOrderOfClose(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	f := &flaky{}
	c := Config{ID: "r", SpoolDir: dir, OnError: func(error) {}, ManualFlush: true}.withDefaults(env)
	a, _ := start(c, f, nil)
	b, _ := start(c, f, nil)
	for range 100 {
		a.Trace(TraceConfig{}).End()
		b.Trace(TraceConfig{}).End()
	}
	f.sends.Store(100)
	t.Log(b.Close(canceled()), b.Stats())
	f.sends.Store(0)
	time.Sleep(7 * time.Second)
	t.Log("adopted though ManualFlush:", a.Stats())
	if s := a.Stats(); s.Delivered > 0 {
		t.Errorf("ManualFlush and %d delivered without a flush", s.Delivered)
	}
	err := a.Close(t.Context())
	t.Log(err, a.Stats(), f.lines.Load())
	if f.lines.Load() != 400 {
		t.Errorf("arrived %d", f.lines.Load())
	}
}

func TestReviewHomeUnset(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	l, err := New(Config{ID: "r", BaseURL: "http://127.0.0.1:9"})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(l.Health())
	l.Close(canceled())
	if _, err := New(Config{ID: "r", BaseURL: "http://127.0.0.1:9", RequireDurable: true}); !errors.Is(err, ErrSpool) {
		t.Error(err)
	}
	l, err = New(Config{ID: "r", BaseURL: "http://127.0.0.1:9", RequireDurable: true, Durability: Memory})
	t.Log("RequireDurable with Memory:", err)
	if l != nil {
		l.Close(canceled())
	}
}
