package actors_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/messages"
)

func TestSuspiciousCallsOnASession(t *testing.T) {
	r := newRig(t, nil)
	s, route := sessionRef("s"), sessionRoute("s")
	r.create(s, route)
	r.create(s, route) // duplicate
	r.end(s, route)
	r.tell(messages.Command{Route: route, Target: s, Action: messages.AddFeedback}, "fine after the end")
	r.end(s, route)                                   // twice
	r.update(s, route, "late")                        // after the end
	r.create(traceRef("t"), traceRoute("s", "t"))     // after the end
	r.update(traceRef("t"), traceRoute("s", "t"), "") // the trace itself is open
	if _, err := r.sys.Snapshot(t.Context(), route); err != nil {
		t.Fatal(err)
	}
	want := []actors.EventKind{actors.DuplicateID, actors.EndedTwice, actors.AfterEnd, actors.AfterEnd}
	if diff := cmp.Diff(want, r.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	r.flush()
	if got := len(r.out.got()); got != 8 {
		t.Errorf("%d entries delivered, want all 8", got)
	}
	r.close()
}

// EndOpen of one route ends the entities of its owner and nothing else.
func TestEndOpenOfOneRoute(t *testing.T) {
	for name, test := range map[string]struct {
		route *messages.Route
		want  []string
	}{
		"a session":                  {sessionRoute("s"), []string{"inner", "s-t", "s"}},
		"a trace of a session":       {traceRoute("s", "s-t"), []string{"inner", "s-t"}},
		"a trace without session":    {traceRoute("", "t"), []string{"t"}},
		"a passive session":          {sessionRoute("passive"), []string{"passive"}},
		"an unknown session":         {sessionRoute("never"), nil},
		"an unknown trace":           {traceRoute("", "never"), nil},
		"an unknown trace in s":      {traceRoute("s", "never"), nil},
		"a trace that was forgotten": {traceRoute("s", "ended"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, patient(0))
				r.create(sessionRef("passive"), sessionRoute("passive"))
				r.create(sessionRef("s"), sessionRoute("s"))
				r.create(traceRef("ended"), traceRoute("s", "ended"))
				r.end(traceRef("ended"), traceRoute("s", "ended"))
				r.create(traceRef("s-t"), traceRoute("s", "s-t"))
				r.span(traceRef("s-t"), spanRef("inner"), traceRoute("s", "s-t"))
				r.create(traceRef("t"), traceRoute("", "t"))
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if c := r.sys.Counts(); c.Passive != 1 {
					t.Fatalf("%d passive sessions, want 1", c.Passive)
				}
				if err := r.sys.EndOpen(t.Context(), test.route, "test"); err != nil {
					t.Fatal(err)
				}
				r.flush()
				if diff := cmp.Diff(test.want, ends(r.out.got(), "test")); diff != "" {
					t.Errorf("ended (-want +got):\n%s", diff)
				}
				r.close()
			})
		})
	}
}

func TestHandedOverChildrenAreNotEnded(t *testing.T) {
	r := newRig(t, nil)
	route := traceRoute("s", "t")
	r.create(traceRef("t"), route)
	r.span(traceRef("t"), spanRef("kept"), route)
	r.span(traceRef("t"), spanRef("given"), route)
	r.sys.Tell(&messages.Command{Route: route, Target: spanRef("given"), HandOver: true, At: time.Now().UnixNano()})
	if err := r.sys.EndOpen(t.Context(), nil, "close"); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if diff := cmp.Diff([]string{"kept", "t"}, ends(r.out.got(), "close")); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
	r.close()
}

func TestForgetUndoesRegister(t *testing.T) {
	r := newRig(t, nil)
	first, second := traceRoute("", "t"), traceRoute("s", "t")
	r.sys.Register(spanRef("a"), first)
	if got := r.sys.Lookup(spanRef("a")); got != first {
		t.Errorf("Lookup = %v, want the route of Register", got)
	}
	r.sys.Forget(spanRef("a"), second)
	if r.sys.Lookup(spanRef("a")) == nil {
		t.Error("Forget with a route that leads elsewhere has removed the entity")
	}
	r.sys.Forget(spanRef("a"), traceRoute("", "t"))
	if got := r.sys.Lookup(spanRef("a")); got != nil {
		t.Errorf("Lookup after Forget = %v, want nil", got)
	}
	if got := r.sys.Lookup(traceRef("a")); got != nil {
		t.Errorf("Lookup of another kind with the same id = %v, want nil", got)
	}
	r.close()
}

func TestCallsAfterCloseFail(t *testing.T) {
	r := newRig(t, nil)
	r.close()
	if _, err := r.sys.Snapshot(t.Context(), sessionRoute("s")); !errors.Is(err, actors.ErrStopped) {
		t.Errorf("Snapshot = %v, want ErrStopped", err)
	}
	if err := r.sys.EndOpen(t.Context(), nil, "x"); !errors.Is(err, actors.ErrStopped) {
		t.Errorf("EndOpen = %v, want ErrStopped", err)
	}
}

// An actor that is busy holds up nobody longer than the caller's context allows.
func TestWaitsEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := newRig(t, func(c *actors.Config) { c.Fault = func(*messages.Command) { <-release } })
		r.update(traceRef("t"), traceRoute("", "t"), "")
		synctest.Wait()
		for name, wait := range map[string]func(context.Context) error{
			"Snapshot":     func(ctx context.Context) error { _, err := r.sys.Snapshot(ctx, traceRoute("", "t")); return err },
			"EndOpen":      func(ctx context.Context) error { return r.sys.EndOpen(ctx, traceRoute("", "t"), "x") },
			"EndOpen(nil)": func(ctx context.Context) error { return r.sys.EndOpen(ctx, nil, "x") },
			"Dispatched":   r.sys.Dispatched,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s = %v, want context.DeadlineExceeded", name, err)
			}
			cancel()
		}
		close(release)
		r.close()
	})
}

// held returns a rig whose trace t has ended, was asked to passivate and cannot answer before
// release is called.
func held(t *testing.T, session string) (r *rig, route *messages.Route, release func()) {
	hold, reached := make(chan struct{}), make(chan struct{})
	calls, last := 0, 1
	if session != "" {
		last = 2 // the session handles the command first
	}
	r = newRig(t, func(c *actors.Config) {
		c.Shards, c.Workers, c.IdleAfter, c.Grace, c.AutoEndAfter = 1, 2, time.Minute, time.Second, 0
		c.Fault = func(m *messages.Command) {
			if m.Target.ID == "t" && m.Action == messages.AddFeedback {
				if calls++; calls == last {
					close(reached)
					<-hold
				}
			}
		}
	})
	route = traceRoute(session, "t")
	r.create(traceRef("t"), route)
	r.end(traceRef("t"), route)
	r.tell(messages.Command{Route: route, Target: traceRef("t"), Action: messages.AddFeedback}, "")
	<-reached
	time.Sleep(5 * time.Second) // its grace is over
	synctest.Wait()
	return r, route, func() { close(hold) }
}

// A question to a trace that passivates is answered as if it had come a moment later.
func TestQuestionsToADrainingTrace(t *testing.T) {
	for _, session := range []string{"s", ""} {
		t.Run("session="+session, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, route, release := held(t, session)
				asked, ended := make(chan error, 1), make(chan error, 1)
				go func() {
					_, err := r.sys.Snapshot(t.Context(), route)
					asked <- err
				}()
				go func() { ended <- r.sys.EndOpen(t.Context(), route, "x") }()
				synctest.Wait()
				release()
				if err := <-asked; !errors.Is(err, actors.ErrUnknown) {
					t.Errorf("Snapshot = %v, want ErrUnknown", err)
				}
				if err := <-ended; err != nil {
					t.Errorf("EndOpen = %v", err)
				}
				if got := ends(r.out.got(), "x"); len(got) != 0 {
					t.Errorf("%v were ended, want none", got)
				}
				r.close()
			})
		})
	}
}

// Commands for a trace that passivates begin it again, and what they create is ended by Close.
func TestCloseWhileCommandsAreBuffered(t *testing.T) {
	for _, session := range []string{"s", ""} {
		t.Run("session="+session, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, route, release := held(t, session)
				for i := range 10 {
					r.span(traceRef("t"), spanRef(fmt.Sprint("late", i)), route)
				}
				synctest.Wait()
				closed := make(chan error)
				go func() { closed <- r.sys.Close(context.Background(), context.Background(), "close") }()
				synctest.Wait()
				release()
				if err := <-closed; err != nil {
					t.Errorf("Close = %v", err)
				}
				if got := ends(r.out.got(), "close"); len(got) != 10 {
					t.Errorf("%v were ended, want the 10 late spans", got)
				}
				if a, c := r.ledger.Read(), r.sys.Counts(); a.Accepted != a.Handed || c.LeftOpen != 0 || c.Lost != 0 || c.Missed != 0 {
					t.Errorf("ledger %+v, counts %+v: want everything handed over", a, c)
				}
			})
		})
	}
}
