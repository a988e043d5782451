package actors_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/messages"
)

// flags is the state of an entity in the reference.
type flags struct{ created, ended, implied, handedOver bool }

// reference says, by rules that are written without actors, which lines come out, in which
// order, which warnings are reported, and which entities are open.
type reference struct {
	sessions map[string]*flags
	traces   map[string]*refTrace
	lines    map[string][]string // by root
	warnings []string
	panics   int
}

type refTrace struct {
	flags
	session  string
	children map[string]*flags
}

func (t *refTrace) open() bool {
	for _, c := range t.children {
		if !c.ended && !c.handedOver {
			return true
		}
	}
	return t.flags.open()
}

func (f *flags) open() bool { return f.created && !f.ended && !f.handedOver }

func (m *reference) warn(kind actors.EventKind, target messages.Ref) {
	m.warnings = append(m.warnings, fmt.Sprint(kind, " ", target))
}

// write applies a call to the flags of its target.
func (m *reference) write(f *flags, c *messages.Command) {
	f.handedOver = f.handedOver || c.HandOver
	late := c.Action == messages.AddFeedback || c.Action == messages.None
	switch {
	case c.Action == messages.End && !f.ended:
		f.ended, f.implied = true, c.Implied
	case c.Action == messages.End && f.implied:
		f.implied = false
	case c.Action == messages.End:
		m.warn(actors.EndedTwice, c.Target)
	case f.ended && !late:
		m.warn(actors.AfterEnd, c.Target)
	}
}

func (m *reference) create(f *flags, c *messages.Command) {
	if f.created {
		m.warn(actors.DuplicateID, c.Target)
	}
	f.created = true
}

// session applies a call to a session.
func (m *reference) session(id string, c *messages.Command) {
	s := m.sessions[id]
	if s == nil {
		s = &flags{}
		m.sessions[id] = s
	}
	switch {
	case c.Child() == sessionRef(id):
		m.create(s, c)
	case c.Target == sessionRef(id):
		m.write(s, c)
		s.implied = false // a session has no implied end
	case c.Child().Entity == messages.Trace && s.ended:
		m.warn(actors.AfterEnd, c.Target)
	}
}

// trace applies a call to a trace.
func (m *reference) trace(session, id string, c *messages.Command) {
	t := m.traces[id]
	if t == nil {
		t = &refTrace{session: session, children: map[string]*flags{}}
		m.traces[id] = t
	}
	if c.Child() == traceRef(id) {
		m.create(&t.flags, c)
		return
	}
	if c.NewEntity != nil {
		switch {
		case t.children[c.Child().ID] != nil:
			m.warn(actors.DuplicateID, c.Target)
		case c.NewEntity.Parent.Entity != messages.Unknown && t.children[c.NewEntity.Parent.ID] == nil && t.created:
			m.warn(actors.UnknownParent, c.Target)
			t.children[c.Child().ID] = &flags{}
		default:
			t.children[c.Child().ID] = &flags{}
		}
	}
	switch {
	case c.Target == traceRef(id):
		m.write(&t.flags, c)
	case t.children[c.Target.ID] != nil:
		m.write(t.children[c.Target.ID], c)
	}
}

// idle forgets the entities that have passivated after a long time without calls.
func (m *reference) idle() {
	busy := map[string]bool{}
	for id, t := range m.traces {
		if t.open() {
			busy[t.session] = true
		} else {
			delete(m.traces, id)
		}
	}
	for id, s := range m.sessions {
		if !busy[id] && !s.open() {
			delete(m.sessions, id)
		}
	}
}

// openIDs returns the ids of all open entities.
func (m *reference) openIDs() []string {
	var ids []string
	for id, s := range m.sessions {
		if s.open() {
			ids = append(ids, id)
		}
	}
	for id, t := range m.traces {
		if t.flags.open() {
			ids = append(ids, id)
		}
		for child, c := range t.children {
			if !c.ended && !c.handedOver {
				ids = append(ids, child)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// script makes random calls on a rig, and the same on a reference.
type script struct {
	*rig
	rnd   *rand.Rand
	model *reference
	calls int

	mu     sync.Mutex
	faults map[string]int // guarded by mu; which handler of a line panics, counted down to 1
}

// fault panics in the handler that the script has chosen for a command.
func (s *script) fault(c *messages.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := string(c.Entry.Line)
	if s.faults[line] > 0 {
		if s.faults[line]--; s.faults[line] == 0 {
			panic("injected")
		}
	}
}

// call makes one random call.
func (s *script) call() {
	s.calls++
	session, trace := "", fmt.Sprint("t", s.rnd.IntN(3))
	if s.rnd.IntN(3) > 0 {
		session = fmt.Sprint("s", s.rnd.IntN(2))
		trace = session + trace
	}
	span, other := spanRef(fmt.Sprint(trace, "-", s.rnd.IntN(4))), spanRef(fmt.Sprint(trace, "-", s.rnd.IntN(5)))
	c := messages.Command{Route: traceRoute(session, trace), Target: traceRef(trace)}
	if session != "" && s.rnd.IntN(4) == 0 {
		c.Route, c.Target = sessionRoute(session), sessionRef(session)
	}
	ofSession := c.Target.Entity == messages.Session
	switch n := s.rnd.IntN(10); {
	case n < 2:
		c.Action, c.NewEntity = messages.Create, &messages.NewEntity{Child: c.Target}
	case n < 5 && !ofSession:
		c.Action, c.NewEntity = messages.AddSpan, &messages.NewEntity{Child: span}
		if s.rnd.IntN(2) == 0 && other != span {
			c.Target, c.NewEntity.Parent = other, other
		}
	case n < 7:
		c.Action, c.Implied = messages.End, !ofSession && s.rnd.IntN(3) == 0
	case n < 8:
		c.Action = messages.AddFeedback
	case n < 9:
		c.HandOver = true
	default:
		c.Action = messages.Update
	}
	if c.NewEntity == nil && !ofSession && s.rnd.IntN(2) == 0 {
		c.Target = span
	}
	s.make(session, trace, c)
}

// make makes a call, which may fail in one of its handlers.
func (s *script) make(session, trace string, c messages.Command) {
	root := trace
	if session != "" {
		root = session
	}
	fails := 0 // the number of the handler: 1 is the root, 2 the trace below a session
	if c.Action != messages.None {
		note := fmt.Sprint("call", s.calls)
		line := fmt.Sprintf("%s %s %s %s", c.Target.Entity, c.Target.ID, c.Action, note)
		if s.rnd.IntN(12) == 0 {
			fails = 1
			if session != "" && c.Route.Trace.ID != "" {
				fails += s.rnd.IntN(2)
			}
			s.model.panics++
			s.mu.Lock()
			s.faults[line] = fails
			s.mu.Unlock()
		}
		s.model.lines[root] = append(s.model.lines[root], line)
		s.tell(c, note)
	} else {
		c.At = time.Now().UnixNano()
		s.sys.Tell(&c)
	}
	if session != "" && fails != 1 {
		s.model.session(session, &c)
	}
	if (session == "" && fails != 1) || (session != "" && c.Route.Trace.ID != "" && fails == 0) {
		s.model.trace(session, trace, &c)
	}
}

// Random calls, long pauses in which actors passivate, and panics in any handler: all lines
// come out in the order of the calls of their root, the warnings follow the rules, and Close ends
// exactly the entities that are open by the rules, children before parents.
func TestSystemModel(t *testing.T) {
	for range 60 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkSystem(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func checkSystem(t *testing.T, rnd *rand.Rand) {
	s := &script{rnd: rnd, faults: map[string]int{}, model: &reference{
		sessions: map[string]*flags{}, traces: map[string]*refTrace{}, lines: map[string][]string{},
	}}
	s.rig = newRig(t, func(c *actors.Config) {
		c.Shards, c.Workers, c.IdleAfter, c.Grace, c.AutoEndAfter = 2, 2, time.Minute, 10*time.Second, 0
		c.Fault = s.fault
	})
	for range rnd.IntN(6) + 1 {
		for range rnd.IntN(30) {
			s.call()
		}
		if rnd.IntN(2) == 0 {
			s.flush()
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			s.model.idle()
		}
	}
	if err := s.sys.Close(context.Background(), context.Background(), "close"); err != nil {
		t.Fatalf("Close = %v", err)
	}
	lines := map[string][]string{}
	for _, line := range s.out.got() {
		if f := strings.Fields(line); len(f) == 4 && strings.HasPrefix(f[3], "call") {
			root, _, _ := strings.Cut(f[1], "-")
			if strings.HasPrefix(root, "s") {
				root = root[:2]
			}
			lines[root] = append(lines[root], line)
		}
	}
	if diff := cmp.Diff(s.model.lines, lines); diff != "" {
		t.Errorf("lines by root (-want +got):\n%s", diff)
	}
	var warnings []string
	for _, e := range s.events {
		if e.Kind != actors.Panicked {
			warnings = append(warnings, fmt.Sprint(e.Kind, " ", e.Target))
		}
	}
	slices.Sort(warnings)
	slices.Sort(s.model.warnings)
	if diff := cmp.Diff(s.model.warnings, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	s.checkEnds(t)
	if got := s.sys.Counts(); got.Panics != int64(s.model.panics) || got.Lost != 0 || got.Missed != 0 {
		t.Errorf("counts %+v, want %d panics", got, s.model.panics)
	}
}

func (s *script) checkEnds(t *testing.T) {
	ended := ends(s.out.got(), "close")
	place := map[string]int{}
	for i, id := range ended {
		place[id] = i + 1
	}
	for id, i := range place {
		parent, _, isSpan := strings.Cut(id, "-")
		if !isSpan && strings.HasPrefix(id, "s") && len(id) > 2 {
			parent = id[:2]
		}
		if parent != id && place[parent] > 0 && place[parent] < i {
			t.Errorf("%s ended before %s", parent, id)
		}
	}
	slices.Sort(ended)
	if diff := cmp.Diff(s.model.openIDs(), ended); diff != "" {
		t.Errorf("ended by Close (-open +ended):\n%s", diff)
	}
}
