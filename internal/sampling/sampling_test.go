package sampling_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/sampling"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

// stage collects what a sampler decides.
type stage struct {
	*sampling.Sampler
	passed, left []string
}

func newStage(p sampling.Policy) *stage {
	s := &stage{}
	lines := func(to *[]string) func([]messages.Entry) {
		return func(entries []messages.Entry) {
			for _, e := range entries {
				*to = append(*to, string(e.Line))
			}
		}
	}
	s.Sampler = sampling.New(p, lines(&s.passed), lines(&s.left))
	return s
}

// log offers the entry of a command.
func (s *stage) log(line string, c messages.Command) {
	c.Entry = messages.Entry{Line: []byte(line), Of: &c}
	s.Take([]messages.Entry{c.Entry})
}

func ref(kind messages.Entity, id string) messages.Ref { return messages.Ref{Entity: kind, ID: id} }

var (
	session = ref(messages.Session, "s")
	trace   = ref(messages.Trace, "t")
	route   = messages.NewRoute(session, trace)
	create  = messages.Command{Route: route, Target: trace, Action: messages.Create, NewEntity: &messages.NewEntity{Child: trace}}
	update  = messages.Command{Route: route, Target: trace, Action: messages.Update}
	end     = messages.Command{Route: route, Target: trace, Action: messages.End}
)

func at(c messages.Command, d time.Duration) messages.Command {
	c.At = int64(d)
	return c
}

func TestATraceIsKeptForAReason(t *testing.T) {
	score := func(v float64) messages.Command {
		c := update
		c.Action, c.Score = messages.AddFeedback, &v
		return c
	}
	spent := update
	spent.Cost = &messages.Cost{USD: pricing.Dollars(0.6)}
	failed := update
	failed.Failed = true
	anError := update
	anError.Action, anError.NewEntity = messages.AddError, &messages.NewEntity{Child: ref(messages.Error, "e")}
	for name, test := range map[string]struct {
		commands []messages.Command
		kept     bool
	}{
		"nothing":             {[]messages.Command{update, end}, false},
		"an error":            {[]messages.Command{anError, end}, true},
		"a failed result":     {[]messages.Command{failed, end}, true},
		"cheap":               {[]messages.Command{spent, end}, false},
		"dear":                {[]messages.Command{spent, spent, end}, true},
		"quick":               {[]messages.Command{at(end, 2*time.Second)}, false},
		"slow":                {[]messages.Command{at(end, 2*time.Second+1)}, true},
		"a late line":         {[]messages.Command{at(end, time.Second), at(update, 3*time.Second)}, false},
		"liked":               {[]messages.Command{end, score(0)}, false},
		"disliked":            {[]messages.Command{end, score(-1)}, true},
		"an error behind end": {[]messages.Command{end, anError}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(sampling.Policy{Head: 1, Tail: &sampling.Tail{Slow: 2 * time.Second, Cost: pricing.Dollar, Wait: 5 * time.Second, MaxBytes: 1 << 20}})
			s.log("0", create)
			for i, c := range test.commands {
				s.log(fmt.Sprint(i+1), c)
			}
			s.Tick(time.Unix(4, 0))
			if !test.kept && len(s.passed)+len(s.left) > 0 {
				t.Errorf("decided before its time: passed %v, left %v", s.passed, s.left)
			}
			s.Tick(time.Unix(8, 0))
			s.log("late", update)
			all, none := s.passed, s.left
			if !test.kept {
				all, none = none, all
			}
			if len(all) != len(test.commands)+2 || len(none) != 0 {
				t.Errorf("kept %v: passed %v, left %v", test.kept, s.passed, s.left)
			}
		})
	}
}

func TestATraceThatStaysOpenIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		slow time.Duration
		kept time.Duration
	}{"longer than Slow": {time.Minute, time.Minute}, "for an hour": {0, time.Hour}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(sampling.Policy{Head: 1, Tail: &sampling.Tail{Slow: test.slow, MaxBytes: 1 << 20}})
			s.log("0", create)
			s.Tick(time.Unix(0, int64(test.kept)-1))
			if len(s.passed) != 0 {
				t.Error("kept too early")
			}
			s.Tick(time.Unix(0, int64(test.kept)))
			if len(s.passed) != 1 {
				t.Errorf("passed %v, left %v; want the line to pass", s.passed, s.left)
			}
		})
	}
}

func TestWithoutRoomTracesAreKept(t *testing.T) {
	s := newStage(sampling.Policy{Head: 1, Tail: &sampling.Tail{MaxBytes: 2*messages.EntryOverhead + 2}})
	s.log("0", create)
	s.log("1", update)
	if len(s.passed) != 0 {
		t.Error("kept while there was room")
	}
	s.log("2", update)
	if !slices.Equal(s.passed, []string{"0", "1", "2"}) {
		t.Errorf("passed %v, want all in their order", s.passed)
	}
}

func TestWhatPanicsIsOfferedAgainOnce(t *testing.T) {
	var got []string
	panics := true
	s := sampling.New(sampling.Policy{Head: 1, Tail: &sampling.Tail{MaxBytes: 1}}, func(entries []messages.Entry) {
		if panics {
			panic("once")
		}
		for _, e := range entries {
			got = append(got, string(e.Line))
		}
	}, nil)
	entries := []messages.Entry{{Line: []byte("0"), Of: &create}, {Line: []byte("1"), Of: &update}}
	func() {
		defer func() { _ = recover() }()
		s.Take(entries)
	}()
	panics = false
	s.Take(entries)
	if !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("passed %v, want each once", got)
	}
}

// In any order of calls, each line is passed or dropped once, and the lines of a
// trace keep their order, and a trace that nobody wrote to after its end is whole.
func TestTracesAreWholeAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := sampling.Policy{
			Head: rapid.Float64Range(0.1, 1).Draw(t, "head"),
			Tail: &sampling.Tail{
				Rate: rapid.Float64Range(0, 1).Draw(t, "rate"), Wait: time.Duration(rapid.IntRange(0, 3).Draw(t, "wait")),
				MaxBytes: int64(rapid.IntRange(1, 20).Draw(t, "room") * messages.EntryOverhead),
			},
		}
		s := newStage(policy)
		sent := map[string][]string{}
		begun := map[string]bool{}
		for now := range rapid.IntRange(1, 60).Draw(t, "calls") {
			id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "trace")
			tr := ref(messages.Trace, id)
			r := messages.NewRoute(ref(messages.Session, "s"+id), tr)
			c := at(messages.Command{Route: r, Target: tr, Action: messages.Update}, time.Duration(now))
			switch {
			case !begun[id]:
				begun[id] = true
				c.Action, c.NewEntity = messages.Create, &messages.NewEntity{Child: tr}
			case rapid.IntRange(0, 5).Draw(t, "what") == 0:
				c.Action = messages.End
			case rapid.IntRange(0, 9).Draw(t, "fails") == 0:
				c.Failed = true
			}
			line := fmt.Sprintf("%s%d", id, now)
			sent[id] = append(sent[id], line)
			s.log(line, c)
			if rapid.Bool().Draw(t, "tick") {
				s.Tick(time.Unix(0, int64(now)))
			}
		}
		s.Finish()
		if int64(len(s.left)) != s.Left() {
			t.Fatalf("%d lines left, %d counted", len(s.left), s.Left())
		}
		for id, lines := range sent {
			of := func(all []string) (some []string) {
				for _, line := range all {
					if line[:1] == id {
						some = append(some, line)
					}
				}
				return some
			}
			passed, left := of(s.passed), of(s.left)
			if len(passed) > 0 && len(left) > 0 {
				t.Fatalf("of trace %s, %v passed and %v were dropped", id, passed, left)
			}
			if got := append(passed, left...); !slices.Equal(got, lines) {
				t.Fatalf("of %v came %v", lines, got)
			}
		}
	})
}

func TestHeadDecisionsKeepTheirPartAndAreTheSameEverywhere(t *testing.T) {
	for _, part := range []float64{0.01, 0.1, 0.5, 0.9} {
		const n = 20_000
		kept := 0
		for i := range n {
			if sampling.Keeps(fmt.Sprintf("user-%d", i), part) {
				kept++
			}
		}
		if margin := 5 * math.Sqrt(n*part*(1-part)); math.Abs(float64(kept)-n*part) > margin {
			t.Errorf("of %d ids %d are in a part of %v", n, kept, part)
		}
	}
	// Fixed for good: processes of different versions must agree.
	for id, part := range map[string]float64{"user-1": 0.256393, "": 0.936769, "3f2a": 0.796212} {
		if sampling.Keeps(id, part-0.001) || !sampling.Keeps(id, part+0.001) {
			t.Errorf("the place of %q has changed", id)
		}
	}
}
