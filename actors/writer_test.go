package actors_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/messages"
)

// Out may panic now and then: nothing is lost, doubled or out of order.
func TestPanicsOfOutLoseNothing(t *testing.T) {
	const calls = 20_000
	var panics int64
	handed := 0
	r := newRig(t, nil)
	r.out.take = func(entries []messages.Entry) {
		if handed++; handed%7 == 0 {
			panics++
			panic("injected")
		}
	}
	var want []string
	for i := range calls {
		r.update(traceRef("t"), traceRoute("", "t"), fmt.Sprint(i))
		want = append(want, fmt.Sprintf("trace t update %d", i))
		if i%100 == 0 {
			r.flush()
		}
	}
	r.flush()
	if diff := cmp.Diff(want, r.out.got()); diff != "" {
		t.Errorf("lines (-want +got):\n%.2000s", diff)
	}
	if got := r.sys.Counts().Panics; got != panics || panics < 10 {
		t.Errorf("%d panics counted, %d injected, want more than a few", got, panics)
	}
	r.close()
}

// Entries on which Out always panics are discarded and counted; later ones are delivered.
func TestEntriesOnWhichOutAlwaysPanicsAreDiscarded(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	r := newRig(t, nil)
	r.out.take = func([]messages.Entry) {
		if broken.Load() {
			panic("injected")
		}
	}
	r.update(traceRef("t"), traceRoute("", "t"), "bad")
	r.flush()
	broken.Store(false)
	r.update(traceRef("t"), traceRoute("", "t"), "good")
	r.flush()
	if diff := cmp.Diff([]string{"trace t update good"}, r.out.got()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if c, kinds := r.sys.Counts(), r.kinds(); c.Lost != 1 || kinds[len(kinds)-1] != actors.Dropped {
		t.Errorf("%d lost, events %v; want one, reported", c.Lost, kinds)
	}
	r.close()
}
