package actors_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
)

// disk is a fake spool: entries that were handed over keep their room in the ledger until write.
type disk struct {
	mu     sync.Mutex
	ledger *ledger.Ledger
	held   []int64 // guarded by mu; costs
	peak   int64   // guarded by mu; of the bytes in the ledger
}

func (d *disk) take(entries []messages.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range entries {
		d.ledger.Charge(entries[i].Cost()) // the recorder gives back as much
		d.held = append(d.held, entries[i].Cost())
	}
	d.peak = max(d.peak, d.ledger.Read().Bytes)
}

// write gives the room of everything back.
func (d *disk) write() {
	d.mu.Lock()
	held := d.held
	d.held = nil
	d.mu.Unlock()
	for _, cost := range held {
		d.ledger.Release(cost)
	}
}

// writeEvery writes from time to time until ctx ends.
func (d *disk) writeEvery(ctx context.Context, pause time.Duration) {
	for ctx.Err() == nil {
		select {
		case <-time.After(pause):
			d.write()
		case <-ctx.Done():
		}
	}
}

// small is the limit of the ledger of a rig with a disk: room for about 50 auto-ends.
const small = 64 << 10

// newDiskRig returns a rig whose ledger is small and whose entries wait for a disk.
func newDiskRig(t *testing.T, change func(*actors.Config)) (*rig, *disk) {
	d := &disk{}
	r := newRig(t, func(c *actors.Config) {
		c.Ledger = ledger.New(small)
		c.Shards, c.Workers = 2, 2
		if change != nil {
			change(c)
		}
		d.ledger = c.Ledger
	})
	r.ledger = d.ledger
	r.out.ledger = d.ledger
	r.out.take = d.take
	return r, d
}

// finished hands over and writes everything that was logged.
func (r *rig) finished(d *disk) {
	r.t.Helper()
	r.flush()
	d.write()
}

// open begins things of every kind and returns how many are open: below passive
// sessions nothing is.
func (r *rig) open(d *disk, sessions, traces, spans int) int {
	r.t.Helper()
	for s := range sessions {
		id := fmt.Sprint("s", s)
		r.create(sessionRef(id), sessionRoute(id))
		for n := range traces {
			trace := fmt.Sprint("s", s, "t", n)
			r.create(traceRef(trace), traceRoute(id, trace))
			r.finished(d)
		}
		r.finished(d)
	}
	for n := range traces {
		id := fmt.Sprint("t", n)
		r.create(traceRef(id), traceRoute("", id))
		for i := range spans {
			r.span(traceRef(id), spanRef(fmt.Sprint(id, "a", i)), traceRoute("", id))
			r.finished(d)
		}
		r.finished(d)
	}
	return sessions*(1+traces) + traces*(1+spans)
}

func TestEndsWaitForRoom(t *testing.T) {
	for name, shape := range map[string][3]int{
		"traces": {0, 1000, 0}, "sessions": {1000, 0, 0}, "traces of a session": {1, 1000, 0}, "spans of a trace": {0, 1, 1000}, "all": {20, 20, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, d := newDiskRig(t, nil)
				open := r.open(d, shape[0], shape[1], shape[2])
				ctx, cancel := context.WithCancel(context.Background())
				go d.writeEvery(ctx, time.Millisecond)
				if err := r.sys.Close(t.Context(), t.Context(), "close"); err != nil {
					t.Errorf("Close = %v", err)
				}
				cancel()
				d.write()
				got := ends(r.out.got(), "close")
				slices.Sort(got)
				if n := len(slices.Compact(got)); n != open {
					t.Errorf("%d ended, want %d", n, open)
				}
				if c := r.sys.Counts(); c.LeftOpen != 0 || c.AutoEnded != int64(open) {
					t.Errorf("%d ended, %d left open, want %d and 0", c.AutoEnded, c.LeftOpen, open)
				}
				if d.peak > small {
					t.Errorf("%d bytes were in the ledger, its limit is %d", d.peak, small)
				}
			})
		})
	}
}

func TestCloseCountsEntitiesLeftOpen(t *testing.T) {
	for name, shape := range map[string][3]int{
		"traces": {0, 1000, 0}, "sessions": {1000, 0, 0}, "traces of a session": {1, 1000, 0}, "spans of a trace": {0, 1, 1000}, "all": {20, 20, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, d := newDiskRig(t, nil)
				open := r.open(d, shape[0], shape[1], shape[2])
				// Nothing is written from now on.
				ending, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				if err := r.sys.Close(t.Context(), ending, "close"); err != nil {
					t.Errorf("Close = %v", err)
				}
				if took := time.Since(start); took != time.Second {
					t.Errorf("Close took %v, want the time for ends", took)
				}
				a, c := r.ledger.Read(), r.sys.Counts()
				if c.AutoEnded == 0 || c.AutoEnded+c.LeftOpen != int64(open) || int(c.AutoEnded) != len(ends(r.out.got(), "close")) {
					t.Errorf("%d ended, %d left open, %d ends written, of %d", c.AutoEnded, c.LeftOpen, len(ends(r.out.got(), "close")), open)
				}
				if c.Lost != 0 || a.Accepted != a.Handed || d.peak > small {
					t.Errorf("%d lost, %+v, at most %d bytes of %d", c.Lost, a, d.peak, small)
				}
			})
		})
	}
}

func TestEndedAndHandedOverEntitiesAreNotLeftOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, patient(0))
		over, cancel := context.WithCancel(t.Context())
		cancel()
		session, route := sessionRoute("s"), traceRoute("s", "t")
		r.create(sessionRef("s"), session) // open, and passive by the end
		r.create(traceRef("t"), route)
		r.span(traceRef("t"), spanRef("a"), route)
		r.end(spanRef("a"), route)
		r.end(traceRef("t"), route)
		given := traceRoute("", "given")
		r.create(traceRef("given"), given)
		r.span(traceRef("given"), spanRef("b"), given) // open
		r.sys.Tell(&messages.Command{Route: given, Target: traceRef("given"), HandOver: true, At: time.Now().UnixNano()})
		r.create(sessionRef("gone"), sessionRoute("gone"))
		r.end(sessionRef("gone"), sessionRoute("gone"))
		r.span(traceRef("foreign"), spanRef("c"), traceRoute("", "foreign")) // open
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if c := r.sys.Counts(); c.Passive != 1 {
			t.Errorf("%d passive sessions, want 1", c.Passive)
		}
		r.create(sessionRef("back"), sessionRoute("back")) // open, passive, and live again
		time.Sleep(5 * time.Minute)
		r.update(sessionRef("back"), sessionRoute("back"), "again")
		if err := r.sys.Close(t.Context(), over, "close"); err != nil {
			t.Errorf("Close = %v", err)
		}
		if c := r.sys.Counts(); c.LeftOpen+c.AutoEnded != 4 {
			t.Errorf("%d left open and %d ended, want s, b, c and back", c.LeftOpen, c.AutoEnded)
		}
	})
}

func TestPassiveSessionsEndWithoutAnActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := newDiskRig(t, patient(0))
		r.open(d, 500, 0, 0)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if c := r.sys.Counts(); c.Passive != 500 || c.Live != 0 {
			t.Fatalf("%d passive, %d live; want all passive", c.Passive, c.Live)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go d.writeEvery(ctx, time.Millisecond)
		if err := r.sys.Close(t.Context(), t.Context(), "close"); err != nil {
			t.Errorf("Close = %v", err)
		}
		cancel()
		if c := r.sys.Counts(); c.AutoEnded != 500 || c.LeftOpen != 0 || c.Passive != 0 || c.Live != 0 || d.peak > small {
			t.Errorf("%+v, at most %d bytes of %d; want 500 ended", c, d.peak, small)
		}
	})
}

// Auto-ends of many traces leave room for calls; those without room are made later.
func TestAutoEndsLeaveRoomForCalls(t *testing.T) {
	for name, shape := range map[string][3]int{"traces": {0, 400, 0}, "traces of a session": {1, 400, 0}, "spans of a trace": {0, 1, 400}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, d := newDiskRig(t, patient(5*time.Minute))
				open := r.open(d, shape[0], shape[1], shape[2]) - shape[0] // sessions are not forgotten
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if n := r.sys.Counts().AutoEnded; n == 0 || n == int64(open) {
					t.Fatalf("%d were ended without room for all, of %d", n, open)
				}
				if a := r.ledger.Read(); a.Bytes > small/2 {
					t.Errorf("%d bytes of %d are taken by ends", a.Bytes, small)
				}
				r.update(sessionRef("x"), sessionRoute("x"), "there is room")
				ctx, cancel := context.WithCancel(context.Background())
				go d.writeEvery(ctx, time.Second)
				time.Sleep(2 * time.Hour)
				cancel()
				r.finished(d)
				if n := len(ends(r.out.got(), "idle")); n != open {
					t.Errorf("%d were ended in time, want %d", n, open)
				}
				r.close()
			})
		})
	}
}

// An end after a panic waits for room too, and a trace that others ended meanwhile is
// not ended again.
func TestAnEndThatWaitsForRoomIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := newDiskRig(t, nil)
		r.open(d, 0, 1, 200)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.sys.EndOpen(ctx, traceRoute("", "t0"), "panic"); err == nil {
			t.Error("EndOpen returned before there was room")
		}
		made := r.sys.Counts().AutoEnded
		for i := range 100 { // the oldest, which are ended last
			r.end(spanRef(fmt.Sprint("t0a", i)), traceRoute("", "t0"))
			r.finished(d)
			if i == 0 {
				synctest.Wait()
			}
		}
		r.end(traceRef("t0"), traceRoute("", "t0"))
		r.finished(d)
		synctest.Wait()
		r.finished(d)
		all := map[string]int{}
		for _, id := range ends(r.out.got(), "panic") {
			all[id]++
		}
		for id, n := range all {
			if n != 1 {
				t.Errorf("%s was ended %d times", id, n)
			}
		}
		if made == 0 || made >= 200 || int64(len(all)) != r.sys.Counts().AutoEnded {
			t.Errorf("%d ended at first, %d in all, %d counted", made, len(all), r.sys.Counts().AutoEnded)
		}
		snapshot, err := r.sys.Snapshot(t.Context(), traceRoute("", "t0"))
		if err != nil || len(snapshot.Children) != 0 || !snapshot.Ended {
			t.Errorf("%d children are open, ended %v, %v", len(snapshot.Children), snapshot.Ended, err)
		}
		r.close()
	})
}

func TestManyChildrenEndDeepestFirst(t *testing.T) {
	r := newRig(t, nil)
	route := traceRoute("", "t")
	r.create(traceRef("t"), route)
	parent := traceRef("t")
	var want []string
	for i := range 20_000 { // each below the one before
		span := spanRef(fmt.Sprint("s", i))
		r.span(parent, span, route)
		parent = span
		want = append(want, span.ID)
	}
	slices.Reverse(want)
	if err := r.sys.EndOpen(t.Context(), nil, "close"); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if diff := cmp.Diff(append(want, "t"), ends(r.out.got(), "close")); diff != "" {
		t.Errorf("ends (-want +got):\n%.2000s", diff)
	}
	r.close()
}
