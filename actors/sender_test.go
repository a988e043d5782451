package actors_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/messages"
)

func TestABatchIsSentBySizeAgeOrFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *actors.Config) { c.BatchEntries, c.BatchAge = 10, 10*time.Second })
		add := func(n int) {
			for i := range n {
				r.update(traceRef("t"), traceRoute("", "t"), fmt.Sprint(i))
			}
			synctest.Wait()
		}
		add(9)
		if got := len(r.out.got()); got != 0 {
			t.Fatalf("%d entries were sent before a batch was due", got)
		}
		add(1)
		if got := len(r.out.got()); got != 10 {
			t.Fatalf("%d entries sent, want a full batch of 10", got)
		}
		add(1)
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		if got := len(r.out.got()); got != 11 {
			t.Fatalf("%d entries sent, want the eleventh by its age", got)
		}
		add(1)
		r.flush()
		if diff := cmp.Diff([]int{10, 1, 1}, r.out.batches); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		r.close()
	})
}

func TestAPoisonEntryIsIsolated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		posts := 0
		r.out.answer = func(entries []messages.Entry, _ int) actors.Verdict {
			posts++
			for _, e := range entries {
				if bytes.HasSuffix(e.Line, []byte("poison")) {
					return actors.Verdict{Outcome: actors.Refused, Err: errors.New("422")}
				}
			}
			return actors.Verdict{}
		}
		const n = 1024
		for i := range n {
			note := fmt.Sprint(i)
			if i == 700 {
				note = "poison"
			}
			r.update(traceRef("t"), traceRoute("", "t"), note)
		}
		synctest.Wait() // all of it is in the queue: one batch
		r.flush()
		if got := len(r.out.got()); got != n-1 {
			t.Errorf("%d entries delivered, want %d", got, n-1)
		}
		if a := r.ledger.Read(); a.Dead != 1 {
			t.Errorf("%d dead, want 1", a.Dead)
		}
		if posts > 2*10+2 {
			t.Errorf("%d posts to isolate one of %d entries, want at most 22", posts, n)
		}
		r.close()
	})
}

func TestAFailingServerIsToldAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		down := errors.New("server is down")
		r.out.answer = func(_ []messages.Entry, attempt int) actors.Verdict {
			if attempt < 3 {
				return actors.Verdict{Outcome: actors.Again, Wait: time.Minute, Err: down}
			}
			return actors.Verdict{}
		}
		r.update(traceRef("t"), traceRoute("", "t"), "x")
		start := time.Now()
		r.flush()
		if took := time.Since(start); took != 3*time.Minute {
			t.Errorf("delivered after %v, want three waits of a minute", took)
		}
		want := []actors.EventKind{actors.Failing, actors.Failing, actors.Failing, actors.Recovered}
		if diff := cmp.Diff(want, r.kinds()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if err := r.sys.DeliveryError(); err != nil {
			t.Errorf("DeliveryError after a success = %v", err)
		}
		r.close()
	})
}
