package actors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

func TestEntriesOfASessionArriveInTheOrderOfTheCalls(t *testing.T) {
	r := newRig(t, nil)
	const sessions, traces, updates = 20, 10, 50
	var calling sync.WaitGroup
	want := make([][]string, sessions)
	for s := range sessions {
		calling.Go(func() {
			id := fmt.Sprintf("s%d", s)
			note := func(ref messages.Ref, a messages.Action, n string) {
				want[s] = append(want[s], fmt.Sprintf("%s %s %s %s", ref.Entity, ref.ID, a, n))
			}
			session := sessionRoute(id)
			r.create(sessionRef(id), session)
			note(sessionRef(id), messages.Create, "")
			for i := range traces {
				trace := traceRef(fmt.Sprintf("%s-t%d", id, i))
				route := traceRoute(id, trace.ID)
				r.create(trace, route)
				note(trace, messages.Create, "")
				for u := range updates {
					r.update(trace, route, fmt.Sprint(u))
					note(trace, messages.Update, fmt.Sprint(u))
				}
				r.end(trace, route)
				note(trace, messages.End, "")
			}
			r.end(sessionRef(id), session)
			note(sessionRef(id), messages.End, "")
		})
	}
	calling.Wait()
	r.flush()
	got := make([][]string, sessions)
	for _, line := range r.out.got() {
		var s int
		if _, err := fmt.Sscanf(strings.Fields(line)[1], "s%d", &s); err != nil {
			t.Fatal(err)
		}
		got[s] = append(got[s], line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%.2000s", diff)
	}
	r.close()
}

func TestAPanicCostsNoEntryAndNoOrder(t *testing.T) {
	r := newRig(t, func(c *actors.Config) {
		c.Fault = func(m *messages.Command) {
			if strings.HasSuffix(string(m.Entry.Line), "7") {
				panic("injected")
			}
		}
	})
	route := traceRoute("s", "t")
	r.create(sessionRef("s"), sessionRoute("s"))
	r.create(traceRef("t"), route)
	var want []string
	for i := range 1000 {
		r.update(traceRef("t"), route, fmt.Sprint(i))
		want = append(want, fmt.Sprintf("trace t update %d", i))
	}
	r.flush()
	if diff := cmp.Diff(want, r.out.got()[2:]); diff != "" {
		t.Errorf("entries (-want +got):\n%.2000s", diff)
	}
	// A session that fails before it hands a command on keeps it from the trace.
	if n := r.sys.Counts().Panics; n != 100 {
		t.Errorf("%d panics counted, want 100", n)
	}
	if a := r.ledger.Read(); a.Salvaged != 100 {
		t.Errorf("%d entries salvaged, want 100", a.Salvaged)
	}
	r.close()
}

func TestEndOpenEndsDeepestFirst(t *testing.T) {
	r := newRig(t, nil)
	session, route := sessionRoute("s"), traceRoute("s", "t")
	r.create(sessionRef("s"), session)
	r.create(traceRef("t"), route)
	r.span(traceRef("t"), spanRef("outer"), route)
	r.span(spanRef("outer"), spanRef("inner"), route)
	r.span(traceRef("t"), spanRef("ended"), route)
	r.end(spanRef("ended"), route)
	r.span(traceRef("t"), spanRef("second"), route)
	alone := traceRoute("", "alone")
	r.create(traceRef("alone"), alone)
	foreign := traceRoute("", "foreign")
	r.update(traceRef("foreign"), foreign, "not ours")
	r.span(traceRef("foreign"), spanRef("ours"), foreign)
	given := traceRoute("", "given")
	r.create(traceRef("given"), given)
	r.sys.Tell(&messages.Command{Route: given, Target: traceRef("given"), HandOver: true, At: time.Now().UnixNano()})
	if err := r.sys.EndOpen(t.Context(), nil, "close"); err != nil {
		t.Fatal(err)
	}
	r.flush()
	got := ends(r.out.got(), "close")
	inSession := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return id == "alone" || id == "ours" })
	if diff := cmp.Diff([]string{"inner", "second", "outer", "t", "s"}, inSession); diff != "" {
		t.Errorf("ends in the session (-want +got):\n%s", diff)
	}
	if !slices.Contains(got, "alone") || !slices.Contains(got, "ours") || slices.Contains(got, "foreign") || slices.Contains(got, "given") {
		t.Errorf("ended %v: want alone and ours, not foreign nor given", got)
	}
	if err := r.sys.EndOpen(t.Context(), nil, "close"); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if again := ends(r.out.got(), "close"); len(again) != len(got) {
		t.Errorf("a second EndOpen ended more: %v", again)
	}
	r.close()
}

func TestSnapshotIsBehindEarlierCalls(t *testing.T) {
	r := newRig(t, nil)
	session, route := sessionRoute("s"), traceRoute("s", "t")
	r.create(sessionRef("s"), session)
	r.create(traceRef("t"), route)
	r.span(traceRef("t"), spanRef("a"), route)
	r.span(spanRef("a"), spanRef("b"), route)
	r.end(spanRef("b"), route)
	r.tell(messages.Command{Route: route, Target: spanRef("a"), Action: messages.Result, Failed: true,
		Cost: &messages.Cost{Usage: pricing.Usage{Input: 3, Output: 4, Total: 7}}}, "")
	trace, err := r.sys.Snapshot(t.Context(), route)
	if err != nil {
		t.Fatal(err)
	}
	if trace.Entries != 5 || trace.Begun[messages.Span] != 2 || len(trace.Children) != 1 ||
		trace.Cost.Usage.Total != 7 || trace.Failures != 1 || !trace.Created || trace.Ended {
		t.Errorf("trace snapshot %+v", trace)
	}
	if diff := cmp.Diff([]messages.Ref{spanRef("a")}, trace.Children); diff != "" {
		t.Errorf("open children of the trace (-want +got):\n%s", diff)
	}
	whole, err := r.sys.Snapshot(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Entries != 6 || whole.Begun[messages.Trace] != 1 || whole.Begun[messages.Span] != 2 || whole.Cost.Usage.Total != 7 {
		t.Errorf("session snapshot %+v", whole)
	}
	if _, err := r.sys.Snapshot(t.Context(), sessionRoute("never")); !errors.Is(err, actors.ErrUnknown) {
		t.Errorf("Snapshot of an unknown session = %v, want ErrUnknown", err)
	}
	r.close()
	if _, err := r.sys.Snapshot(t.Context(), session); !errors.Is(err, actors.ErrStopped) {
		t.Errorf("Snapshot after Close = %v, want ErrStopped", err)
	}
}

func TestSuspiciousCallsAreReportedAndDelivered(t *testing.T) {
	r := newRig(t, nil)
	route := traceRoute("s", "t")
	trace, span := traceRef("t"), spanRef("a")
	r.create(trace, route)
	r.create(trace, route) // duplicate
	r.span(trace, span, route)
	r.span(trace, span, route)                      // duplicate
	r.span(spanRef("nowhere"), spanRef("b"), route) // unknown parent
	r.tell(messages.Command{Route: route, Target: span, Action: messages.End, Implied: true}, "")
	r.end(span, route) // explicit after implied: fine
	r.end(span, route) // twice
	r.update(span, route, "late")
	r.tell(messages.Command{Route: route, Target: span, Action: messages.Evaluate}, "fine")
	r.end(trace, route)
	r.end(trace, route) // twice
	r.flush()
	// An entry goes out before its command reaches the trace: this is behind it.
	if _, err := r.sys.Snapshot(t.Context(), route); err != nil {
		t.Fatal(err)
	}
	want := []actors.EventKind{
		actors.DuplicateID, actors.DuplicateID, actors.UnknownParent,
		actors.EndedTwice, actors.AfterEnd, actors.EndedTwice,
	}
	if diff := cmp.Diff(want, r.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := len(r.out.got()); got != 12 {
		t.Errorf("%d entries delivered, want all 12", got)
	}
	r.close()
}

func TestAnIdleSessionPassivatesAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *actors.Config) { c.IdleAfter, c.Grace, c.AutoEndAfter = time.Minute, time.Second, time.Hour })
		session, route := sessionRoute("s"), traceRoute("s", "t")
		r.create(sessionRef("s"), session)
		r.create(traceRef("t"), route)
		r.span(traceRef("t"), spanRef("a"), route)
		r.end(spanRef("a"), route)
		r.end(traceRef("t"), route)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if c := r.sys.Counts(); c.Live != 1 || c.Registered != 0 {
			t.Errorf("after the linger: %d actors live and %d ids registered, want the session alone", c.Live, c.Registered)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if c := r.sys.Counts(); c.Live != 0 || c.Passive != 1 {
			t.Errorf("idle: %d live and %d passive, want 0 and 1", c.Live, c.Passive)
		}
		before, err := r.sys.Snapshot(t.Context(), session)
		if err != nil || before.Entries != 5 || before.Begun[messages.Span] != 1 {
			t.Errorf("snapshot of the passive session: %+v, %v", before, err)
		}
		second := traceRoute("s", "t2")
		r.create(traceRef("t2"), second)
		after, err := r.sys.Snapshot(t.Context(), session)
		if err != nil || after.Entries != 6 || after.Begun[messages.Trace] != 2 {
			t.Errorf("snapshot of the session that came back: %+v, %v", after, err)
		}
		if err := r.sys.EndOpen(t.Context(), nil, "close"); err != nil {
			t.Fatal(err)
		}
		r.flush()
		if diff := cmp.Diff([]string{"t2", "s"}, ends(r.out.got(), "close")); diff != "" {
			t.Errorf("ends (-want +got):\n%s", diff)
		}
		r.close()
	})
}

func TestAnIdleTraceIsAutoEnded(t *testing.T) {
	for _, session := range []string{"s", ""} {
		t.Run("session="+session, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *actors.Config) { c.IdleAfter, c.Grace, c.AutoEndAfter = time.Minute, time.Second, 5*time.Minute })
				route := traceRoute(session, "t")
				if session != "" {
					r.create(sessionRef(session), sessionRoute(session))
				}
				r.create(traceRef("t"), route)
				r.span(traceRef("t"), spanRef("a"), route)
				time.Sleep(4 * time.Minute)
				r.flush()
				if got := ends(r.out.got(), "idle"); len(got) != 0 {
					t.Errorf("ended %v too early", got)
				}
				time.Sleep(10 * time.Minute)
				r.flush()
				if diff := cmp.Diff([]string{"a", "t"}, ends(r.out.got(), "idle")); diff != "" {
					t.Errorf("ended when idle (-want +got):\n%s", diff)
				}
				if c := r.sys.Counts(); c.Live != 0 || c.Registered != 0 {
					t.Errorf("%d actors live, %d ids registered, want none", c.Live, c.Registered)
				}
				r.close()
			})
		})
	}
}

// Commands that race with passivation are neither lost nor reordered.
func TestPassivationUnderLoad(t *testing.T) {
	r := newRig(t, func(c *actors.Config) {
		c.IdleAfter, c.Grace, c.AutoEndAfter = time.Nanosecond, time.Nanosecond, 0
	})
	const sessions, each = 50, 400
	var calling sync.WaitGroup
	for s := range sessions {
		calling.Go(func() {
			id := fmt.Sprintf("s%d", s)
			r.create(sessionRef(id), sessionRoute(id))
			for i := range each {
				trace := traceRef(fmt.Sprintf("%s-%d", id, i))
				route := traceRoute(id, trace.ID)
				r.create(trace, route)
				r.end(trace, route)
				r.update(trace, route, "late")
				if i%50 == 0 {
					r.flush()
				}
			}
		})
	}
	calling.Wait()
	r.flush()
	last := map[string]int{}
	for _, line := range r.out.got() {
		f := strings.Fields(line)
		step := slices.Index([]string{"create", "end", "update"}, f[2])
		if f[0] == "trace" {
			if step != last[f[1]] {
				t.Fatalf("%s came as step %d of its trace", line, last[f[1]])
			}
			last[f[1]]++
		}
	}
	if got := len(r.out.got()); got != sessions*(1+3*each) {
		t.Errorf("%d entries, want %d", got, sessions*(1+3*each))
	}
	r.close()
}

func TestALongTraceForgetsEndedChildren(t *testing.T) {
	r := newRig(t, nil)
	route := traceRoute("", "t")
	r.create(traceRef("t"), route)
	r.span(traceRef("t"), spanRef("open"), route)
	for i := range 10_000 {
		s := spanRef(fmt.Sprint("s", i))
		r.span(traceRef("t"), s, route)
		r.end(s, route)
	}
	snapshot, err := r.sys.Snapshot(t.Context(), route)
	if err != nil || snapshot.Begun[messages.Span] != 10_001 || len(snapshot.Children) != 1 {
		t.Errorf("snapshot %+v, %v", snapshot, err)
	}
	if n := r.sys.Counts().Registered; n > 5000 {
		t.Errorf("%d ids registered, want ended ones forgotten", n)
	}
	if kinds := r.kinds(); len(kinds) != 0 {
		t.Errorf("events %v, want none", kinds)
	}
	r.close()
}

func TestCloseReportsEntriesLostAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := newRig(t, func(c *actors.Config) { c.Fault = func(*messages.Command) { <-release } })
		for i := range 100 {
			r.update(traceRef("t"), traceRoute("", "t"), fmt.Sprint(i))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		closed := make(chan error)
		go func() { closed <- r.sys.Close(ctx, ctx, "") }()
		synctest.Wait()
		close(release)
		if err := <-closed; !errors.Is(err, context.Canceled) {
			t.Fatalf("Close = %v, want context.Canceled", err)
		}
		a, lost := r.ledger.Read(), r.sys.Counts().Lost
		if a.Accepted != 100 || a.Handed+lost != 100 || int64(len(r.out.got())) != a.Handed {
			t.Errorf("account %+v, %d lost, %d handed over: they do not add up to 100", a, lost, len(r.out.got()))
		}
	})
}
