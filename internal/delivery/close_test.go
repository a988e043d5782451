package delivery

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/transport"
)

func TestCloseWithABlackHole(t *testing.T) { // R17, short
	for _, deaf := range []bool{false, true} {
		everywhere(t, func(t *testing.T, dir string) {
			hole := make(chan struct{})
			defer close(hole)
			c := &fakeBackend{send: func(ctx context.Context, _ transport.Batch) error {
				done := ctx.Done()
				if deaf {
					done = nil
				}
				select {
				case <-hole:
				case <-done:
				}
				return &transport.Error{Kind: transport.Canceled}
			}}
			s := newServer()
			r := open(t, s, dir, Config{Backend: c, Age: time.Second})
			const n = 5000
			lines := numbered(n)
			r.log(lines...)
			time.Sleep(2 * time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			start := time.Now()
			err := r.Close(ctx, true)
			if d := time.Since(start); d < 5*time.Second || d > 5200*time.Millisecond {
				t.Errorf("close took %v", d)
			}
			if !errors.Is(err, ErrPending) {
				t.Errorf("close: %v", err)
			}
			a := r.Counters()
			if dir == "" {
				if a.Dropped["closed"] != n || a.Pending() != 0 {
					t.Errorf("%+v", a)
				}
				return
			}
			if a.Pending() != n || a.Spooled != n {
				t.Errorf("%+v", a)
			}
			r.ended(n)
			next := open(t, s, dir, Config{})
			next.flush()
			if diff := cmp.Diff(lines, s.taken()); diff != "" {
				t.Error(diff)
			}
			if a := next.Counters(); a.Recovered != n || a.Delivered != n {
				t.Errorf("%+v", a)
			}
			next.close()
		})
	}
}

func TestCloseWithoutDrainSendsNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		r := open(t, newServer(), dir, Config{})
		r.log(numbered(10)...)
		if err := r.Close(t.Context(), false); !errors.Is(err, ErrPending) {
			t.Errorf("close: %v", err)
		}
		if n := len(r.server.seen()); n != 0 {
			t.Errorf("%d posts", n)
		}
		left := int64(10)
		if dir == "" {
			left = 0
		}
		r.ended(left)
		if again := r.Close(t.Context(), true); !errors.Is(again, ErrPending) {
			t.Errorf("second close: %v", again)
		}
	})
}

func TestAppendAfterCloseIsCounted(t *testing.T) {
	everywhere(t, func(t *testing.T, dir string) {
		r := open(t, newServer(), dir, Config{})
		r.close()
		r.log(numbered(3)...)
		if a := r.Counters(); a.Dropped["closed"] != 3 || a.Pending() != 0 {
			t.Errorf("%+v", a)
		}
	})
}

func TestSyncIsDurableWithoutTheServer(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		r := open(t, s, dir, Config{})
		r.log(numbered(10)...)
		r.attach(blobName(1), "content")
		if err := r.Sync(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(s.seen()); n != 0 {
			t.Errorf("%d posts", n)
		}
		for _, state := range []uint64{r.cfg.Spool.Lines.State().Durable, r.cfg.Spool.Uploads.State().Durable} {
			if state == 0 {
				t.Error("nothing is durable")
			}
		}
		r.close()
	})
}

func TestSyncInMemoryDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newServer(), "", Config{})
		r.log(numbered(10)...)
		if err := r.Sync(t.Context()); err != nil {
			t.Error(err)
		}
		r.balanced(0)
		r.close()
	})
}

func TestOwnerlessSlotsAreAdopted(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		dying := open(t, s, dir, Config{})
		living := open(t, s, dir, Config{})
		want := append(numbered(100), attachmentLine(blobName(7)))
		dying.log(want[:100]...)
		dying.attach(blobName(7), "content")
		if err := dying.Close(t.Context(), false); !errors.Is(err, ErrPending) {
			t.Errorf("close: %v", err)
		}
		living.log("own")
		living.flush()
		time.Sleep(adoptEvery + time.Second)
		synctest.Wait()
		got := s.taken()
		if at := slices.Index(got, "own"); at >= 0 {
			got = slices.Delete(got, at, at+1)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if a := living.Counters(); a.Recovered != 101 || a.Delivered != 102 {
			t.Errorf("%+v", a)
		}
		if reported := living.reported(Adopted); len(reported) != 1 || reported[0].Entries != 101 {
			t.Errorf("reported %+v", reported)
		}
		living.close()
		dying.ended(101)
	})
}

func TestOwnerlessSlotsWaitForAServer(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		down := true
		s.script = func(*post) answer {
			if down {
				return answer{status: 500}
			}
			return answer{}
		}
		dying := open(t, s, dir, Config{})
		living := open(t, s, dir, Config{Age: time.Second})
		living.log("own")
		time.Sleep(3 * time.Second)
		dying.log(numbered(10)...)
		_ = dying.Close(t.Context(), false)
		time.Sleep(time.Minute)
		if reported := living.reported(Adopted); len(reported) != 0 {
			t.Errorf("adopted while the server is down: %+v", reported)
		}
		s.mu.Lock()
		down = false
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if a := living.Counters(); a.Delivered != 11 {
			t.Errorf("%+v", a)
		}
		living.close()
	})
}

func TestAHungBackendIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hole := make(chan struct{})
		c := &fakeBackend{send: func(context.Context, transport.Batch) error {
			<-hole
			return nil
		}}
		r := open(t, newServer(), "", Config{Backend: c, Age: time.Millisecond})
		r.log("a")
		time.Sleep(sendBudget - time.Second)
		if h := r.Health(); h.Stalled != "" {
			t.Errorf("stalled too early: %q", h.Stalled)
		}
		time.Sleep(time.Minute)
		if h := r.Health(); h.Stalled != activitySend {
			t.Errorf("stalled: %q", h.Stalled)
		}
		close(hole)
		time.Sleep(time.Minute)
		if reported := r.reported(Stalled); r.Health().Stalled != "" || len(reported) != 1 || reported[0].Reason != activitySend {
			t.Errorf("stalled %q, reported %+v", r.Health().Stalled, reported)
		}
		r.close()
	})
}
