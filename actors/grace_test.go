package actors_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/messages"
)

func oneShard(c *actors.Config) {
	c.Shards, c.Workers, c.IdleAfter, c.Grace, c.AutoEndAfter = 1, 2, time.Minute, 10*time.Second, 0
}

// A late write to the root that ended first, in the same batch as the end that ends its grace.
func TestALateWriteInTheBatchThatEndsTheGraceOfItsRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, oneShard)
		for i := range 128 {
			id := fmt.Sprintf("t%d", i)
			route := traceRoute("", id)
			r.create(traceRef(id), route)
			r.end(traceRef(id), route)
		}
		r.flush()
		synctest.Wait()
		x := traceRoute("", "x")
		r.create(traceRef("x"), x)
		r.end(traceRef("x"), x)
		r.update(traceRef("t0"), traceRoute("", "t0"), "late")
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := r.sys.Dispatched(ctx); err != nil {
			t.Errorf("flush: %v; %d lines, ledger %+v", err, len(r.out.got()), r.ledger.Read())
		}
		cctx, ccancel := context.WithTimeout(context.Background(), time.Minute)
		defer ccancel()
		if err := r.sys.Close(cctx, cctx, ""); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// The same below a session.
func TestALateWriteInTheBatchThatEndsTheGraceOfItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, oneShard)
		r.create(sessionRef("s"), sessionRoute("s"))
		for i := range 32 {
			id := fmt.Sprintf("t%d", i)
			route := traceRoute("s", id)
			r.create(traceRef(id), route)
			r.end(traceRef(id), route)
			r.flush()
			synctest.Wait()
		}
		r.flush()
		synctest.Wait()
		late := traceRoute("s", "t0")
		r.span(traceRef("t0"), spanRef("late"), late)
		r.end(traceRef("t0"), late)
		x := traceRoute("s", "x")
		r.create(traceRef("x"), x)
		r.end(traceRef("x"), x)
		r.flush()
		synctest.Wait()
		if err := r.sys.Close(context.Background(), context.Background(), "close"); err != nil {
			t.Errorf("close: %v", err)
		}
		if got := ends(r.out.got(), "close"); len(got) != 2 {
			t.Errorf("ended at Close: %v, want the span late and the session", got)
		}
	})
}

// Commands that were buffered while their trace passivated count as recent calls.
func TestBufferedCommandsAreNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold, held := make(chan struct{}), make(chan struct{})
		calls := 0
		r := newRig(t, func(c *actors.Config) {
			oneShard(c)
			c.AutoEndAfter = time.Hour
			c.Fault = func(m *messages.Command) {
				if m.Target.ID == "t" && m.Action == messages.AddFeedback {
					if calls++; calls == 2 { // the session, then the trace
						close(held)
						<-hold
					}
				}
			}
		})
		r.create(sessionRef("s"), sessionRoute("s"))
		route := traceRoute("s", "t")
		r.create(traceRef("t"), route)
		r.end(traceRef("t"), route)
		r.tell(messages.Command{Route: route, Target: traceRef("t"), Action: messages.AddFeedback}, "")
		<-held
		time.Sleep(15 * time.Second)
		r.span(traceRef("t"), spanRef("new"), route)
		r.flush()
		synctest.Wait()
		close(hold)
		time.Sleep(6 * time.Second)
		r.flush()
		if got := ends(r.out.got(), "idle"); len(got) > 0 {
			t.Errorf("ended as idle %v, six seconds after its call, AutoEndAfter is an hour", got)
		}
		r.close()
	})
}
