package actors_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/messages"
)

// patient passivates after a minute and auto-ends as given.
func patient(autoEndAfter time.Duration) func(*actors.Config) {
	return func(c *actors.Config) { c.IdleAfter, c.Grace, c.AutoEndAfter = time.Minute, time.Second, autoEndAfter }
}

// Each call by the id of another process makes a new route; none of them stays in memory.
func TestIdsOfOtherProcessesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, patient(0))
		for i := range 100 {
			trace := traceRef(fmt.Sprint("foreign", i))
			span := spanRef(fmt.Sprint("ours", i))
			r.span(trace, span, traceRoute("", trace.ID))
			r.end(span, r.sys.Lookup(span))
			r.span(trace, spanRef(fmt.Sprint("second", i)), traceRoute("", trace.ID))
			r.end(spanRef(fmt.Sprint("second", i)), traceRoute("", trace.ID))
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if c := r.sys.Counts(); c.Live != 0 || c.Registered != 0 {
			t.Errorf("%d actors live, %d ids registered, want none", c.Live, c.Registered)
		}
		r.close()
	})
}

func TestAutoEndComesBeforeTheRootIsIdle(t *testing.T) {
	for _, session := range []string{"s", ""} {
		t.Run("session="+session, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *actors.Config) { c.IdleAfter, c.Grace, c.AutoEndAfter = time.Hour, time.Second, time.Minute })
				route := traceRoute(session, "t")
				r.create(traceRef("t"), route)
				time.Sleep(2 * time.Minute)
				r.flush()
				if diff := cmp.Diff([]string{"t"}, ends(r.out.got(), "idle")); diff != "" {
					t.Errorf("ended after two minutes (-want +got):\n%s", diff)
				}
				r.close()
			})
		})
	}
}

func TestAHandedOverSessionLeavesNoRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, patient(0))
		session := sessionRoute("s")
		r.create(sessionRef("s"), session)
		r.sys.Tell(&messages.Command{Route: session, Target: sessionRef("s"), HandOver: true, At: time.Now().UnixNano()})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if c := r.sys.Counts(); c.Live != 0 || c.Passive != 0 {
			t.Errorf("%d live, %d passive, want nothing kept", c.Live, c.Passive)
		}
		r.close()
	})
}

// A late write brings a trace's actor back for a while, not for ever, and does not
// make the trace look open.
func TestALateWriteDoesNotReopenATrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, patient(0))
		session, route := sessionRoute("s"), traceRoute("s", "t")
		r.create(sessionRef("s"), session)
		r.create(traceRef("t"), route)
		r.end(traceRef("t"), route)
		time.Sleep(10 * time.Second)
		r.update(traceRef("t"), route, "late")
		snapshot, err := r.sys.Snapshot(t.Context(), session)
		if err != nil || len(snapshot.Children) != 0 {
			t.Errorf("open children %v, %v; want none", snapshot.Children, err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if c := r.sys.Counts(); c.Live != 0 || c.Passive != 1 {
			t.Errorf("%d live, %d passive, want the session's record alone", c.Live, c.Passive)
		}
		r.close()
	})
}
