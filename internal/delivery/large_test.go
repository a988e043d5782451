package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/transport"
)

// largeOf returns a large line.
func largeOf(c string) string {
	return `trace{id=t,action=update,data={"input":"` + strings.Repeat(c, largeBytes) + `"}}`
}

// expanded returns the lines that the server took, each stub replaced by its file.
func (s *server) expanded(t *testing.T) []string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := slices.Clone(s.lines)
	for i, line := range lines {
		rest, ok := strings.CutPrefix(line, "storage{id=")
		if !ok {
			continue
		}
		id, rest, _ := strings.Cut(rest, ",")
		key := "repo/large-logs/" + id
		if rest != `action=process-large-log,data={"key":"`+key+`"}}` {
			t.Errorf("stub %q", line)
		}
		lines[i] = s.files[key]
	}
	return lines
}

func TestALargeLineIsUploadedInItsPlace(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.store = func(_ string, attempt int) error {
			if attempt < largeTries {
				return errors.New("no route to the storage host")
			}
			return nil
		}
		r := open(t, s, dir, Config{})
		want := []string{"a", largeOf("x"), "b", largeOf("y"), largeOf("z"), "c"}
		r.log(want...)
		r.flush()
		if diff := cmp.Diff(want, s.expanded(t)); diff != "" {
			t.Error("other lines, or in another order")
		}
		for i, p := range s.seen() {
			if p.first != uint64(i+1) || len(p.lines) != 1 {
				t.Errorf("post %d: number %d, %d lines", i, p.first, len(p.lines))
			}
		}
		r.close()
	})
}

func TestALargeLineMovesOutOfTheWay(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		down := true
		s.store = func(string, int) error {
			if down {
				return &transport.Error{Op: "upload", Kind: transport.Retry}
			}
			return nil
		}
		r := open(t, s, dir, Config{Age: time.Second})
		r.log("a", largeOf("x"), "b", "c")
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"a", "b", "c"}, s.taken()); diff != "" {
			t.Error(diff)
		}
		r.balanced(1)
		s.mu.Lock()
		down = false
		s.mu.Unlock()
		r.flush()
		if diff := cmp.Diff([]string{"a", "b", "c", largeOf("x")}, s.expanded(t)); diff != "" {
			t.Error("the large line did not come last")
		}
		if a := r.Counters(); a.Delivered != 4 {
			t.Errorf("%+v", a)
		}
		r.close()
	})
}

func TestALargeLineKeepsItsKeyInTheNextProcess(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 500} } // the upload works, the post does not
		first := open(t, s, dir, Config{Age: time.Second})
		first.log(largeOf("x"))
		time.Sleep(10 * time.Second)
		if err := first.Close(t.Context(), false); !errors.Is(err, ErrPending) {
			t.Errorf("close: %v", err)
		}
		first.ended(1)
		s.mu.Lock()
		s.script = nil
		s.mu.Unlock()
		second := open(t, s, dir, Config{})
		second.flush()
		if a := second.Counters(); a.Recovered != 1 || a.Delivered != 1 {
			t.Errorf("%+v", a)
		}
		if len(s.files) != 1 {
			t.Errorf("%d files", len(s.files))
		}
		if diff := cmp.Diff([]string{largeOf("x")}, s.expanded(t)); diff != "" {
			t.Error("another line")
		}
		second.close()
	})
}

func TestALargeLineThatIsRejectedTwiceIsDead(t *testing.T) {
	for _, kind := range []transport.Kind{transport.Rejected, transport.TooLarge} {
		everywhere(t, func(t *testing.T, dir string) {
			s := newServer()
			s.store = func(string, int) error { return &transport.Error{Op: "upload", Status: 422, Kind: kind} }
			r := open(t, s, dir, Config{})
			r.log("a", largeOf("x"), "b")
			r.flush()
			if diff := cmp.Diff([]string{"a", "b"}, s.taken()); diff != "" {
				t.Error(diff)
			}
			for letter, err := range r.cfg.Spool.Letters() {
				if err != nil || string(letter.Data) != largeOf("x") || letter.Status != 422 {
					t.Errorf("letter %d, %d bytes, %v", letter.Status, len(letter.Data), err)
				}
			}
			if a := r.Counters(); a.Dead != 1 {
				t.Errorf("%+v", a)
			}
			r.close()
		})
	}
}

func TestUploadsWithFailures(t *testing.T) { // R20, short
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.store = func(key string, attempt int) error {
			if (len(key)*7+int(key[len(key)-1])+attempt)%3 == 0 {
				return &transport.Error{Op: "upload", Kind: transport.Retry}
			}
			return nil
		}
		r := open(t, s, dir, Config{Age: time.Second})
		var want []string
		for i := range 60 {
			r.log(fmt.Sprintf("line %d", i))
			r.attach(blobName(i), strings.Repeat("c", i))
			want = append(want, fmt.Sprintf("line %d", i), attachmentLine(blobName(i)))
			if i%10 == 0 {
				if err := r.Sync(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		r.flush()
		got := s.taken()
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for i := range 60 {
			if got := s.files["repo/files/"+blobName(i)]; got != strings.Repeat("c", i) {
				t.Errorf("file %d holds %d bytes", i, len(got))
			}
		}
		time.Sleep(2 * blobGrace)
		synctest.Wait()
		for i := range 60 {
			if b, err := r.cfg.Spool.OpenBlob(blobName(i)); err == nil {
				b.Close()
				t.Errorf("blob %d is still there", i)
			}
		}
		if a := r.Counters(); a.Delivered != 120 {
			t.Errorf("%+v", a)
		}
		r.close()
	})
}

func TestABadUploadHoldsUpNobody(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.store = func(key string, _ int) error {
			if strings.HasSuffix(key, blobName(0)) {
				return &transport.Error{Op: "upload", Kind: transport.Retry}
			}
			return nil
		}
		r := open(t, s, dir, Config{Age: time.Second})
		start := time.Now()
		for i := range 20 {
			r.attach(blobName(i), "content")
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(s.taken()); n != 19 {
			t.Errorf("%d of 19 good ones arrived in %v", n, time.Since(start))
		}
		r.balanced(1)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("flush with a bad upload: %v", err)
		}
		if dir == "" {
			if err := r.Close(ctx, true); !errors.Is(err, ErrPending) || r.Counters().Dropped["closed"] != 1 {
				t.Errorf("close: %v, %+v", err, r.Counters())
			}
			return
		}
		if err := r.Close(ctx, true); !errors.Is(err, ErrPending) {
			t.Errorf("close: %v", err)
		}
		r.ended(1)
		s.store = nil
		next := open(t, s, dir, Config{})
		next.flush()
		if n := len(s.taken()); n != 20 {
			t.Errorf("%d lines", n)
		}
		next.close()
	})
}

func TestAnUploadThatCannotSucceedIsDead(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		s := newServer()
		s.store = func(key string, _ int) error {
			if strings.HasSuffix(key, blobName(1)) {
				return &transport.Error{Op: "upload", Status: 413, Kind: transport.TooLarge}
			}
			return nil
		}
		r := open(t, s, dir, Config{Age: time.Second})
		if dir != "" {
			r.attach(blobName(0), "lost")
			if err := r.cfg.Spool.RemoveBlob(blobName(0)); err != nil {
				t.Fatal(err)
			}
		}
		r.attach(blobName(1), "refused")
		r.attach(blobName(2), "good")
		r.flush()
		if diff := cmp.Diff([]string{attachmentLine(blobName(2))}, s.taken()); diff != "" {
			t.Error(diff)
		}
		if n := s.attempts["repo/files/"+blobName(1)]; n != 2 {
			t.Errorf("%d attempts", n)
		}
		want := int64(1)
		if dir != "" {
			want = 2
		}
		if a := r.Counters(); a.Dead != want || a.Delivered != 1 {
			t.Errorf("%+v", a)
		}
		r.close()
	})
}

func TestUploadsPauseWithTheLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.script = func(*post) answer { return answer{status: 401} }
		r := open(t, s, "", Config{Age: time.Millisecond})
		r.log("a")
		time.Sleep(time.Second)
		r.attach(blobName(1), "content")
		time.Sleep(30 * time.Second)
		if n := s.attempts["repo/files/"+blobName(1)]; n != 0 {
			t.Errorf("%d uploads while the key is refused", n)
		}
		s.mu.Lock()
		s.script = nil
		s.mu.Unlock()
		time.Sleep(time.Minute)
		if a := r.Counters(); a.Delivered != 2 {
			t.Errorf("%+v", a)
		}
		r.close()
	})
}

// A flush does not make the time shorter either for which the storage, or the server that
// hands out its URLs, asked; Close makes one attempt in it.
func TestUploadsKeepTheTimeThatTheServerAskedFor(t *testing.T) {
	for _, failure := range []*transport.Error{
		{Op: "upload", Kind: transport.Throttled, Status: 429, RetryAfter: 5 * time.Minute},
		{Op: "upload", Kind: transport.Misconfigured, Status: 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			s.store = func(string, int) error { return failure }
			r := open(t, s, "", Config{})
			r.attach(blobName(1), "content")
			r.attach(blobName(2), "content")
			r.flushes(1)
			attempts := func() (n int) {
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, m := range s.attempts {
					n += m
				}
				return n
			}
			time.Sleep(time.Second) // a pause ends at the same moment as that minute, and an attempt follows it
			if before := attempts(); before > 2 {
				t.Errorf("%d attempts in the first minute", before)
			}
			before, begun := attempts(), time.Now()
			for time.Since(begun) < 30*time.Second {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				if err := r.Flush(ctx); err == nil {
					t.Error("flushed action was not delivered")
				}
				cancel()
			}
			if n := attempts() - before; n > 0 {
				t.Errorf("%v: %d attempts in 30 seconds of flushes", failure.Kind, n)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := r.Close(ctx, true); !errors.Is(err, ErrPending) {
				t.Errorf("close: %v", err)
			}
			if n := attempts() - before; n != 1 {
				t.Errorf("%v: %d attempts after close, want 1", failure.Kind, n)
			}
		})
	}
}
