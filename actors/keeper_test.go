package actors

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/messages"
)

// world is a keeper whose actors are simulated, beside a record of all that must hold: it
// chooses when an actor handles a message and when its answers arrive.
type world struct {
	t       *rapid.T
	shared  shared
	keeper  keeper[int]
	actors  []*simulated
	idle    []*simulated // recycled or retired
	answers []*messages.Passivated
	notes   int

	sent    map[messages.Ref][]string // notes of commands, in the order of the calls
	handled map[messages.Ref][]string
	open    map[messages.Ref]bool // of sessions that were not ended: they leave a record
	asked   int                   // Inspects that were passed on, and not answered
}

// simulated is an actor of a session or trace.
type simulated struct {
	pid      *actor.PID
	ref      messages.Ref // of its last Begin
	running  bool
	inbox    []any
	commands int64 // since its Begin
	ended    bool
	finished interface{ Store(int64) }
}

// asker is the context of the keeper's owner.
type asker struct {
	actor.Context
	world *world
}

func (a asker) Request(pid *actor.PID, message any) { a.world.send(pid, message) }

func (w *world) actor(pid *actor.PID) *simulated {
	i, err := strconv.Atoi(pid.Id)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.actors[i]
}

func (w *world) spawn(ref messages.Ref) *actor.PID {
	if n := len(w.idle); n > 0 && ref.Entity == messages.Trace {
		a := w.idle[n-1]
		w.idle = w.idle[:n-1]
		a.running = true
		return a.pid
	}
	a := &simulated{pid: actor.NewPID("", fmt.Sprint(len(w.actors))), running: true}
	w.actors = append(w.actors, a)
	return a.pid
}

func (w *world) send(pid *actor.PID, message any) {
	a := w.actor(pid)
	if !a.running {
		w.t.Fatalf("%T was sent to an actor that does not run", message)
	}
	a.inbox = append(a.inbox, message)
}

// recycle takes an actor that may still have to answer questions: they come before its next
// Begin.
func (w *world) recycle(pid *actor.PID) bool {
	a := w.actor(pid)
	hasCommands := slices.ContainsFunc(a.inbox, func(m any) bool { _, ok := m.(*messages.Inspect); return !ok })
	if hasCommands || !a.ended {
		w.t.Fatalf("the actor of %v was recycled before it had finished, ended: %t", a.ref, a.ended)
	}
	w.retire(pid)
	return true
}

func (w *world) retire(pid *actor.PID) {
	a := w.actor(pid)
	a.running = false
	w.idle = append(w.idle, a)
}

// call makes one call, which is assigned, and not yet forwarded.
func (w *world) call(ref messages.Ref, action messages.Action) {
	w.notes++
	note := fmt.Sprint(w.notes)
	c := &messages.Command{Route: messages.NewRoute(ref, messages.Ref{}), Target: ref, Action: action, Entry: messages.Entry{Line: []byte(note)}}
	if action == messages.Create {
		c.NewEntity = &messages.NewEntity{Child: ref}
	}
	w.sent[ref] = append(w.sent[ref], note)
	w.keeper.assign(w.keeper.get(ref), c, int64(w.notes))
}

// step lets an actor handle its oldest message.
func (w *world) step(a *simulated) {
	message := a.inbox[0]
	a.inbox = a.inbox[1:]
	switch m := message.(type) {
	case *messages.Begin:
		w.begin(a, m)
	case *messages.Commands:
		if m.Start.Route != nil {
			w.begin(a, &m.Start)
		}
		for _, c := range m.List {
			if c.Route.Root != a.ref {
				w.t.Fatalf("the actor of %v got a command of %v", a.ref, c.Route.Root)
			}
			w.handled[a.ref] = append(w.handled[a.ref], string(c.Entry.Line))
			a.ended = c.Action == messages.End || a.ended && c.NewEntity == nil
			w.open[a.ref] = !a.ended
		}
		a.commands++
		if a.ended {
			a.finished.Store(a.commands)
		} else {
			a.finished.Store(0)
		}
	case *messages.Inspect:
		if m.Route.Root != a.ref {
			w.t.Fatalf("the actor of %v was asked about %v", a.ref, m.Route.Root)
		}
		w.asked--
	case *messages.Passivate:
		w.passivate(a, m.Owner)
	default:
		w.t.Fatalf("unexpected message %T", message)
	}
}

func (w *world) begin(a *simulated, m *messages.Begin) {
	ref := m.Route.Root
	a.ref, a.finished, a.commands, a.ended = ref, m.Finished, 0, false
	if wasOpen := w.open[ref] && ref.Entity == messages.Session; wasOpen != (m.State != nil) {
		w.t.Fatalf("%v began with the record %v, was open before: %t", ref, m.State, wasOpen)
	}
}

// passivate answers as the actors do: a trace declines while it is open, a session by chance.
func (w *world) passivate(a *simulated, owner messages.Ref) {
	if owner != a.ref || len(a.inbox) > 0 {
		w.t.Fatalf("the actor of %v was asked for %v, and %d messages follow", a.ref, owner, len(a.inbox))
	}
	answer := &messages.Passivated{Owner: owner}
	switch {
	case owner.Entity == messages.Trace:
		answer.Declined = !a.ended
	case rapid.Bool().Draw(w.t, "declines"):
		answer.Declined = true
	default:
		a.running = false
		if w.open[owner] {
			answer.State = &messages.Rollup{}
		}
	}
	w.answers = append(w.answers, answer)
}

// answer gives the keeper the oldest answer.
func (w *world) answer() {
	answer := w.answers[0]
	w.answers = w.answers[1:]
	before := w.keeper.find(answer.Owner)
	declined := w.keeper.passivated(answer, func(message any) {
		if r := w.keeper.find(message.(*messages.Inspect).Route.Root); r != nil {
			w.keeper.pass(r, message)
		} else {
			w.asked-- // as of a root that is not known
		}
	})
	if answer.Declined && declined != before || !answer.Declined && (declined != nil || before.pid != nil) {
		w.t.Fatalf("after %+v: member %+v, returned %+v", answer, before, declined)
	}
}

func (w *world) check(t *rapid.T) {
	k := &w.keeper
	grace := 0
	if k.grace != nil {
		grace = k.grace.len()
	}
	if int64(grace) != w.shared.inGrace.Load() || grace > w.shared.graceEach+len(w.actors) {
		t.Fatalf("%d members in grace, %d counted", grace, w.shared.inGrace.Load())
	}
	if len(k.passive) != int(w.shared.passive.Load()) {
		t.Fatalf("%d records of passive sessions, %d counted", len(k.passive), w.shared.passive.Load())
	}
	number, seen := -1, 0
	for _, m := range k.oldestFirst() {
		seen++
		if int(m.number) <= number || k.find(m.ref) != m || m.pid == nil || k.passive[m.ref] != nil {
			t.Fatalf("member %+v is out of order, not found, without an actor, or passive", m)
		}
		number = int(m.number)
	}
	if seen != k.len() || len(k.few) > 0 && k.many != nil {
		t.Fatalf("%d members of %d, %d and %d", seen, k.len(), len(k.few), len(k.many))
	}
}

// busy returns the actors with messages.
func (w *world) busy() []*simulated {
	return slices.DeleteFunc(slices.Clone(w.actors), func(a *simulated) bool { return len(a.inbox) == 0 })
}

// settle lets everybody do everything.
func (w *world) settle() {
	for busy := w.busy(); len(busy) > 0 || len(w.answers) > 0; busy = w.busy() {
		for _, a := range busy {
			w.step(a)
		}
		for len(w.answers) > 0 {
			w.answer()
		}
	}
}

// Whatever the order in which actors work, passivate, decline and come back: each command
// reaches the actor of its ref once and in order, behind a Begin with the record of before, and no
// actor that has passivated or serves others gets a message.
func TestKeeperModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, sent: map[messages.Ref][]string{}, handled: map[messages.Ref][]string{}, open: map[messages.Ref]bool{}}
		w.shared.host, w.shared.graceEach, w.shared.graceAll = w, rapid.IntRange(0, 3).Draw(t, "each"), math.MaxInt64
		if rapid.Bool().Draw(t, "crowded") {
			w.shared.graceAll = 2
		}
		w.keeper.shared = &w.shared
		c := asker{world: w}
		ref := rapid.Custom(func(t *rapid.T) messages.Ref {
			kind := rapid.SampledFrom([]messages.Entity{messages.Session, messages.Trace, messages.Trace}).Draw(t, "kind")
			return messages.Ref{Entity: kind, ID: fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "id"))}
		})
		action := rapid.SampledFrom([]messages.Action{messages.Create, messages.Update, messages.End, messages.End})
		t.Repeat(map[string]func(*rapid.T){
			"calls": func(t *rapid.T) {
				w.t = t
				for range rapid.IntRange(1, 8).Draw(t, "calls") {
					w.call(ref.Draw(t, "ref"), action.Draw(t, "action"))
				}
				w.keeper.forward(c)
			},
			"work": func(t *rapid.T) {
				w.t = t
				if busy := w.busy(); len(busy) > 0 {
					w.step(rapid.SampledFrom(busy).Draw(t, "actor"))
				}
			},
			"answer": func(t *rapid.T) {
				w.t = t
				if len(w.answers) > 0 {
					w.answer()
				}
			},
			"drain": func(t *rapid.T) {
				w.t = t
				if m := w.keeper.find(ref.Draw(t, "ref")); m != nil && m.draining == nil {
					w.keeper.drain(c, m, m.lastCall())
				}
			},
			"inspect": func(t *rapid.T) {
				w.t = t
				r := ref.Draw(t, "ref")
				if m := w.keeper.find(r); m != nil {
					w.asked++
					w.keeper.pass(m, &messages.Inspect{Route: messages.NewRoute(r, messages.Ref{})})
				}
			},
			"": w.check,
		})
		w.t = t
		w.settle()
		w.check(t)
		if diff := cmp.Diff(w.sent, w.handled); diff != "" {
			t.Fatalf("commands of each ref (-sent +handled):\n%s", diff)
		}
		if w.asked != 0 {
			t.Fatalf("%d questions have no answer", w.asked)
		}
	})
}

// A keeper without members gives its memory back, and its grace leaves the count of all.
func TestKeeperWithoutMembersIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, sent: map[messages.Ref][]string{}, handled: map[messages.Ref][]string{}, open: map[messages.Ref]bool{}}
		w.shared.host, w.shared.graceEach, w.shared.graceAll = w, math.MaxInt, math.MaxInt64
		w.keeper.shared = &w.shared
		n := rapid.IntRange(1, 3*indexFrom).Draw(t, "members")
		for i := range n {
			w.call(messages.Ref{Entity: messages.Trace, ID: fmt.Sprint(i)}, messages.End)
		}
		w.keeper.forward(asker{world: w})
		if got := int(w.shared.inGrace.Load()); got != n {
			t.Fatalf("%d members in grace, want %d", got, n)
		}
		for m := range w.keeper.all() {
			w.keeper.drain(asker{world: w}, m, m.lastCall())
		}
		w.settle()
		k := &w.keeper
		if k.len() != 0 || k.few != nil || k.many != nil || k.grace != nil || w.shared.inGrace.Load() != 0 {
			t.Fatalf("%d members are left, %d in grace", k.len(), w.shared.inGrace.Load())
		}
	})
}
