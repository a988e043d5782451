package supervisor

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/asynkron/protoactor-go/actor"
	"pgregory.net/rapid"
)

// idle returns a system without workers: a test runs the mailboxes itself, turn by turn.
func idle(t testing.TB) *System {
	s := &System{pool: newPool(0)}
	s.opts = Options{OnFailure: func(Failure) {}, OnDead: func(m any) { t.Errorf("message %v is reported dead", m) }}
	return s
}

// turn runs the mailbox at the head of the run queue. It reports false if none is queued.
func (p *pool) turn() bool {
	if p.head == len(p.ready) {
		return false
	}
	p.next().run()
	return true
}

// steps is a Resumable of several steps. Each is recorded as its number.
type steps struct{ left []int }

func (s *steps) Unfinished() bool { return len(s.left) > 0 }

// recorder is the invoker of a mailbox. It records messages in the order in which they are
// handled and panics on those that fails picks, as the library does: the actor is suspended
// before its failure is reported and resumed afterwards.
type recorder struct {
	box      *Mailbox
	handled  []any
	failures []any
	fails    func(message any) bool
}

func (r *recorder) InvokeSystemMessage(message any) { r.handled = append(r.handled, message) }

func (r *recorder) InvokeUserMessage(message any) {
	if s, ok := message.(*steps); ok {
		for len(s.left) > 0 {
			n := s.left[0]
			s.left = s.left[1:]
			r.handle(n)
		}
		return
	}
	r.handle(message)
}

func (r *recorder) handle(message any) {
	r.handled = append(r.handled, message)
	if r.fails != nil && r.fails(message) {
		panic(message)
	}
}

func (r *recorder) EscalateFailure(reason, _ any) {
	r.box.PostSystemMessage(&actor.SuspendMailbox{})
	r.failures = append(r.failures, reason)
	r.box.PostSystemMessage(&actor.ResumeMailbox{})
}

// box returns a mailbox of a system without workers, and its invoker. It is not ready yet.
func box(t testing.TB) (*Mailbox, *recorder) {
	m := &Mailbox{sys: idle(t)}
	return m, &recorder{box: m}
}

func TestMessagesBeforeRegisterHandlersAreKept(t *testing.T) {
	m, r := box(t)
	m.PostUserMessage(1)
	m.PostUserMessage(2)
	m.PostSystemMessage("started")
	if m.sys.pool.turn() {
		t.Fatal("a mailbox without an actor is scheduled")
	}
	m.RegisterHandlers(r, nil)
	m.Start()
	for m.sys.pool.turn() {
	}
	if want := []any{"started", 1, 2}; !slices.Equal(r.handled, want) {
		t.Errorf("handled %v, want %v", r.handled, want)
	}
}

func TestSystemMessagesOvertakeUserMessages(t *testing.T) {
	m, r := box(t)
	r.fails = func(message any) bool {
		if message == 1 {
			m.PostSystemMessage("a")
			m.PostSystemMessage("b")
		}
		return false
	}
	m.RegisterHandlers(r, nil)
	for _, n := range []int{1, 2, 3} {
		m.PostUserMessage(n)
	}
	for m.sys.pool.turn() {
	}
	if want := []any{1, "a", "b", 2, 3}; !slices.Equal(r.handled, want) {
		t.Errorf("handled %v, want %v", r.handled, want)
	}
}

func TestAFloodedMailboxEndsItsTurnForTheNext(t *testing.T) {
	flooded, first := box(t)
	other := &Mailbox{sys: flooded.sys}
	second := &recorder{box: other}
	flooded.RegisterHandlers(first, nil)
	other.RegisterHandlers(second, nil)
	for n := range 3 * throughput {
		flooded.PostUserMessage(n)
	}
	other.PostUserMessage("other")
	flooded.sys.pool.turn()
	if len(first.handled) != throughput {
		t.Errorf("one turn handled %d messages, want %d", len(first.handled), throughput)
	}
	flooded.sys.pool.turn()
	if !slices.Equal(second.handled, []any{"other"}) {
		t.Errorf("the next turn handled %v, want the message of the other mailbox", second.handled)
	}
}

func TestAnUnfinishedMessageComesAgainBeforeTheNext(t *testing.T) {
	m, r := box(t)
	r.fails = func(message any) bool { return message == 1 || message == 2 || message == 4 }
	m.RegisterHandlers(r, nil)
	m.PostUserMessage(&steps{left: []int{0, 1, 2, 3}})
	m.PostUserMessage(&steps{left: []int{4}}) // finished when it fails
	m.PostUserMessage(5)
	for m.sys.pool.turn() {
	}
	if want := []any{0, 1, 2, 3, 4, 5}; !slices.Equal(r.handled, want) {
		t.Errorf("handled %v, want %v", r.handled, want)
	}
	if want := []any{1, 2, 4}; !slices.Equal(r.failures, want) {
		t.Errorf("failures %v, want %v", r.failures, want)
	}
}

func TestASuspendedActorGetsNoUserMessages(t *testing.T) {
	m, r := box(t)
	m.RegisterHandlers(r, nil)
	m.PostSystemMessage(&actor.SuspendMailbox{})
	m.PostUserMessage(1)
	for m.sys.pool.turn() {
	}
	if len(r.handled) != 0 || m.UserMessageCount() != 1 {
		t.Errorf("handled %v with %d queued; want the message to wait", r.handled, m.UserMessageCount())
	}
	m.PostSystemMessage(&actor.ResumeMailbox{})
	for m.sys.pool.turn() {
	}
	if !slices.Equal(r.handled, []any{1}) || m.UserMessageCount() != 0 {
		t.Errorf("handled %v with %d queued after the resumption", r.handled, m.UserMessageCount())
	}
}

func TestAClosedPoolKeepsQueuedMessages(t *testing.T) {
	m, r := box(t)
	r.fails = func(any) bool { m.sys.pool.close(); return false }
	m.RegisterHandlers(r, nil)
	m.PostUserMessage(1)
	m.PostUserMessage(2)
	m.sys.pool.turn()
	if !slices.Equal(r.handled, []any{1}) {
		t.Errorf("handled %v, want only the message at the time of close", r.handled)
	}
	if m.sys.pool.next() != nil {
		t.Error("a closed pool hands out a mailbox")
	}
}

func TestAnIdleMailboxIsSmall(t *testing.T) {
	m, r := box(t)
	m.RegisterHandlers(r, nil)
	for n := range 10 * maxKept {
		m.PostUserMessage(n)
	}
	for m.sys.pool.turn() {
	}
	if m.backlog != nil {
		t.Error("an idle mailbox keeps its backlog")
	}
	if size := unsafe.Sizeof(*m); size > 64 {
		t.Errorf("a mailbox is %d bytes, more than the 64 that are documented", size)
	}
	for range 100 {
		if b := mailboxPool.Get().(*backlog); cap(b.user) > maxKept || cap(b.current) > maxKept || len(b.user)+len(b.current)+b.next > 0 {
			t.Fatalf("the pool holds a backlog of %d messages with room for %d", len(b.user), cap(b.user))
		}
	}
}

func TestTheRunQueueReusesItsFront(t *testing.T) {
	p := newPool(0)
	var boxes []*Mailbox
	for range 3000 {
		boxes = append(boxes, &Mailbox{})
	}
	for _, m := range boxes {
		p.schedule(m)
	}
	for i, m := range boxes[:2000] {
		if p.next() != m {
			t.Fatalf("mailbox %d is out of order", i)
		}
	}
	p.schedule(boxes[0])
	if p.head != 0 || len(p.ready) != 1001 {
		t.Errorf("after 2000 of 3000 mailboxes the queue holds %d from %d", len(p.ready), p.head)
	}
	for i, m := range append(boxes[2000:], boxes[0]) {
		if p.next() != m {
			t.Fatalf("mailbox %d after the move is out of order", i)
		}
	}
}

// Random posts, turns, failures and suspensions against a reference: each message is handled
// exactly once, user messages in the order of their posts, and none while suspended.
func TestMailboxAgainstAReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, r := box(t)
		failing := map[any]bool{}
		r.fails = func(message any) bool { return failing[message] }
		ready, suspended, posted, atSuspension := false, false, 0, 0
		post := func(rt *rapid.T) {
			for range rapid.IntRange(1, 600).Draw(rt, "burst") {
				failing[posted] = rapid.IntRange(0, 50).Draw(rt, "fails") == 0
				m.PostUserMessage(posted)
				posted++
			}
		}
		drain := func() {
			for m.sys.pool.turn() {
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"post": post,
			"ready": func(rt *rapid.T) {
				if ready {
					rt.Skip("once")
				}
				ready = true
				m.RegisterHandlers(r, nil)
			},
			"turn": func(*rapid.T) { m.sys.pool.turn() },
			"suspend": func(rt *rapid.T) {
				if suspended || !ready {
					rt.Skip("suspended")
				}
				drain()
				suspended, atSuspension = true, posted
				m.PostSystemMessage(&actor.SuspendMailbox{})
			},
			"resume": func(*rapid.T) {
				suspended = false
				m.PostSystemMessage(&actor.ResumeMailbox{})
			},
			"": func(rt *rapid.T) {
				for i, message := range r.handled {
					if message != i {
						rt.Fatalf("message %d is %v", i, message)
					}
				}
				if suspended && len(r.handled) > atSuspension {
					rt.Fatalf("%d messages handled, of which only %d precede the suspension", len(r.handled), atSuspension)
				}
			},
		})
		if !ready {
			m.RegisterHandlers(r, nil)
		}
		m.PostSystemMessage(&actor.ResumeMailbox{})
		drain()
		failures := 0
		for _, fails := range failing {
			if fails {
				failures++
			}
		}
		if len(r.handled) != posted || len(r.failures) != failures {
			rt.Fatalf("%d of %d messages handled, %d of %d failures reported", len(r.handled), posted, len(r.failures), failures)
		}
	})
}
