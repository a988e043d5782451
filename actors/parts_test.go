package actors

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/messages"
)

func TestQueueIsFirstInFirstOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue[int]
		var want []int
		next := 0
		for range rapid.IntRange(0, 500).Draw(t, "steps") {
			if len(want) > 0 && rapid.IntRange(0, 9).Draw(t, "pop") < 4 {
				if got := q.pop(); got != want[0] {
					t.Fatalf("pop = %d, want %d", got, want[0])
				}
				want = want[1:]
			} else {
				q.push(next)
				want = append(want, next)
				next++
			}
			if q.len() != len(want) {
				t.Fatalf("len = %d, want %d", q.len(), len(want))
			}
		}
		if len(q.items) > 2*len(want)+next/2+2 {
			t.Fatalf("%d items are kept for %d", len(q.items), len(want))
		}
	})
}

func TestPoolIsLimited(t *testing.T) {
	var p pool
	if p.take() != nil {
		t.Error("an empty pool has an actor")
	}
	for i := range poolMax {
		if !p.put(actor.NewPID("", fmt.Sprint(i))) {
			t.Fatalf("no room for actor %d of %d", i+1, poolMax)
		}
	}
	if p.put(actor.NewPID("", "more")) {
		t.Errorf("room for more than %d actors", poolMax)
	}
	if got := p.take(); got.Id != fmt.Sprint(poolMax-1) {
		t.Errorf("take = %s, want the actor that was used last", got.Id)
	}
}

func TestWaitlistIsFirstComeFirstServed(t *testing.T) {
	w := waitlist{added: make(chan struct{}, 1)}
	for i := range 3 {
		w.put(actor.NewPID("", fmt.Sprint(i)), int64(i))
	}
	select {
	case <-w.added:
	default:
		t.Error("nobody was woken")
	}
	for i := range 3 {
		if got, ok := w.take(); !ok || got.pid.Id != fmt.Sprint(i) || got.need != int64(i) {
			t.Errorf("take = %v, %t; want actor %d", got, ok, i)
		}
	}
	if _, ok := w.take(); ok {
		t.Error("an empty list has an actor")
	}
}

// The order of ends is checked against sorting.
func TestToEndIsDeepestAndYoungestFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &family{}
		type placed struct {
			ref   messages.Ref
			depth int32
			age   int
		}
		var want []placed
		for i := range rapid.IntRange(0, 100).Draw(t, "children") {
			c := child{ref: messages.Ref{Entity: messages.Span, ID: fmt.Sprint(i)}, depth: rapid.Int32Range(1, 6).Draw(t, "depth")}
			c.ended, c.handedOver = rapid.Bool().Draw(t, "ended"), rapid.IntRange(0, 5).Draw(t, "handed over") == 0
			f.add(c)
			if c.open() {
				want = append(want, placed{c.ref, c.depth, i})
			}
		}
		slices.SortFunc(want, func(a, b placed) int { return cmp.Or(cmp.Compare(b.depth, a.depth), cmp.Compare(b.age, a.age)) })
		refs := make([]messages.Ref, 0, len(want))
		for _, p := range want {
			refs = append(refs, p.ref)
		}
		if diff := gocmp.Diff(refs, f.toEnd()); diff != "" || f.countOpen() != len(want) {
			t.Fatalf("%d open (-want +got):\n%s", f.countOpen(), diff)
		}
		for i := range f.children {
			if c := &f.children[i]; f.find(c.ref) != c {
				t.Fatalf("%v is not found", c.ref)
			}
		}
	})
}

func TestForgetEndedKeepsOpenChildren(t *testing.T) {
	f := &family{}
	for i := range maxEnded + 100 {
		c := child{ref: messages.Ref{Entity: messages.Span, ID: fmt.Sprint(i)}, ended: i >= 100}
		f.add(c)
		if c.ended {
			f.ended++
		}
	}
	gone := 0
	f.forgetEnded(func(messages.Ref) { gone++ })
	if gone != maxEnded || len(f.children) != 100 || f.countOpen() != 100 || !f.forgot || f.ended != 0 {
		t.Errorf("%d forgotten, %d kept, %d open", gone, len(f.children), f.countOpen())
	}
	if f.find(messages.Ref{Entity: messages.Span, ID: "99"}) == nil || f.find(messages.Ref{Entity: messages.Span, ID: "100"}) != nil {
		t.Error("an open child is forgotten, or an ended one is not")
	}
	if f.emptied() != nil {
		t.Error("a large family is kept for the next trace")
	}
	small := &family{}
	small.add(child{ref: messages.Ref{ID: "x"}})
	if next := small.emptied(); next == nil || next.countOpen() != 0 || len(next.children) != 0 {
		t.Errorf("a small family for the next trace is %+v", next)
	}
	var none *family
	if none.countOpen() != 0 || none.find(messages.Ref{}) != nil || none.emptied() != nil || len(none.toEndOrNil()) != 0 {
		t.Error("a nil family is not empty")
	}
}

// toEndOrNil is toEnd for a family that may be nil, as its only caller checks.
func (f *family) toEndOrNil() []messages.Ref {
	if f.countOpen() == 0 {
		return nil
	}
	return f.toEnd()
}

// A message that finds its actor stopped is counted; its entries go out, and nobody waits for it.
func TestDeadMessagesLoseNothing(t *testing.T) {
	l := ledger.New(1 << 20)
	var lines []string
	s := Start(Config{
		Ledger: l, Workers: 1, Shards: 1, IdleAfter: time.Hour, Grace: time.Hour, Report: func(Event) {},
		Out: func(entries []messages.Entry) {
			for i := range entries {
				lines = append(lines, string(entries[i].Line))
				l.Release(entries[i].Cost())
			}
		},
	})
	b := messages.NewCommands()
	for i := range 3 {
		c := &messages.Command{Route: messages.NewRoute(messages.Ref{ID: "r"}, messages.Ref{}), Action: messages.Update}
		c.Entry.Line = fmt.Appendf(nil, "line %d", i)
		var err error
		if c.Entry.Epoch, err = l.Admit(c.Entry.Cost(), 0); err != nil {
			t.Fatal(err)
		}
		b.Add(c)
	}
	s.onDead(b)
	reply, done := make(chan messages.Snapshot, 1), false
	s.onDead(&messages.Inspect{Reply: reply})
	s.onDead(&messages.EndOpen{Done: func() { done = true }})
	s.onDead(&messages.Sweep{})
	if _, ok := <-reply; ok || !done {
		t.Error("somebody waits for an answer")
	}
	if err := s.Close(context.Background(), context.Background(), ""); err != nil {
		t.Errorf("Close = %v", err)
	}
	if diff := gocmp.Diff([]string{"line 0", "line 1", "line 2"}, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if got := s.Counts().Missed; got != 6 {
		t.Errorf("%d messages missed their actor, want 6", got)
	}
}
