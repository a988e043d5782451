package supervisor

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// Mailbox is an actor.Mailbox that loses nothing: what can no longer reach its
// actor goes to the system's OnDead. Messages of one sender keep their order;
// system messages overtake user messages.
//
// An idle mailbox is 64 bytes: what holds messages is borrowed while there are some.
type Mailbox struct {
	sys     *System              // immutable
	invoker actor.MessageInvoker // set once by RegisterHandlers, under mu

	mu      sync.Mutex
	running bool        // guarded by mu; a worker owns the consumer side or is about to
	dead    bool        // guarded by mu; the actor has stopped
	paused  bool        // owned by the running worker; suspended after a failure, until it is resumed
	urgent  atomic.Bool // held.system is not empty; written under mu

	// held is nil while there are no messages, and never while the mailbox runs.
	// Senders set it under mu when it is nil, and the running worker gives it back
	// under mu when it stops running; so the worker may read it without.
	held *held
}

// Resumable is a message that an actor does bit by bit. After a failure the actor is
// given the message again, before any other, while it is Unfinished. Each bit must be
// taken out of the message before it can fail, or the actor would fail for ever.
type Resumable interface{ Unfinished() bool }

// held is the messages of a busy mailbox. Senders append to user and system, under
// the mailbox's mu; the running worker swaps user and current and owns current.
type held struct {
	user, system []any
	current      []any
	next         int // first of current that was not taken
}

// keep is the largest buffer, in messages, that is kept for another mailbox.
const keep = 256

var spare = sync.Pool{New: func() any { return &held{} }}

// holdLocked returns where messages go.
func (m *Mailbox) holdLocked() *held {
	if m.held == nil {
		m.held = spare.Get().(*held)
	}
	return m.held
}

// letGoLocked gives an empty held back.
func (m *Mailbox) letGoLocked() {
	h := m.held
	m.held = nil
	if cap(h.user) > keep || cap(h.current) > keep || cap(h.system) > keep {
		return
	}
	h.user, h.system, h.current, h.next = h.user[:0], h.system[:0], h.current[:0], 0
	spare.Put(h)
}

// RegisterHandlers makes the mailbox ready. What was posted before waits until now.
func (m *Mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.mu.Lock()
	m.invoker = invoker
	start := m.wakeLocked()
	m.mu.Unlock()
	if start {
		m.sys.pool.schedule(m)
	}
}

// Start implements actor.Mailbox; RegisterHandlers has done the work.
func (m *Mailbox) Start() {}

// UserMessageCount returns how many user messages wait and were not begun.
func (m *Mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held == nil {
		return 0
	}
	return len(m.held.user)
}

// PostUserMessage queues a message; nil is ignored.
func (m *Mailbox) PostUserMessage(message any) {
	if message == nil {
		return
	}
	m.mu.Lock()
	if m.dead {
		m.mu.Unlock()
		m.sys.dead(message)
		return
	}
	h := m.holdLocked()
	h.user = append(h.user, message)
	start := m.wakeLocked()
	m.mu.Unlock()
	if start {
		m.sys.pool.schedule(m)
	}
}

// PostSystemMessage queues a message of the actor library.
func (m *Mailbox) PostSystemMessage(message any) {
	m.mu.Lock()
	h := m.holdLocked()
	h.system = append(h.system, message)
	m.urgent.Store(true)
	start := m.wakeLocked()
	m.mu.Unlock()
	if start {
		m.sys.pool.schedule(m)
	}
}

// wakeLocked reports whether the caller must schedule the mailbox.
func (m *Mailbox) wakeLocked() bool {
	if m.running || m.invoker == nil || m.held == nil {
		return false
	}
	m.running = true
	return true
}

// run processes messages on a worker until there are none, or the turn is over.
func (m *Mailbox) run() {
	var message any
	unwound := true // the turn ended by a panic or by runtime.Goexit
	defer func() {
		if !unwound {
			return
		}
		reason := recover()
		if reason == nil {
			reason = "runtime.Goexit"
		}
		m.invoker.EscalateFailure(reason, message)
		if again, ok := message.(Resumable); ok && again.Unfinished() {
			m.held.putBack(message)
		}
		m.sys.pool.schedule(m)
	}()
	for n := 0; n < throughput && !m.sys.pool.closed.Load(); n++ {
		var system, ok bool
		if message, system, ok = m.take(); !ok {
			unwound = false
			return
		}
		if system {
			m.invokeSystem(message)
		} else {
			m.invoker.InvokeUserMessage(message)
		}
	}
	unwound = false
	m.sys.pool.schedule(m)
}

// take returns the next message. Without one it gives the mailbox back.
func (m *Mailbox) take() (message any, system, ok bool) {
	h := m.held
	if !m.urgent.Load() && !m.paused && h.next < len(h.current) {
		return h.takeCurrent(), false, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case len(h.system) > 0:
		return m.takeSystemLocked(), true, true
	case m.paused:
		m.running = false
		return nil, false, false
	case h.next < len(h.current):
		return h.takeCurrent(), false, true
	case len(h.user) == 0:
		m.letGoLocked()
		m.running = false
		return nil, false, false
	}
	h.current, h.user, h.next = h.user, h.current[:0], 0
	return h.takeCurrent(), false, true
}

// putBack makes a message that was taken from current the next one.
func (h *held) putBack(message any) {
	h.next--
	h.current[h.next] = message
}

func (h *held) takeCurrent() any {
	message := h.current[h.next]
	h.current[h.next] = nil
	h.next++
	return message
}

func (m *Mailbox) takeSystemLocked() any {
	h := m.held
	message := h.system[0]
	n := copy(h.system, h.system[1:])
	h.system[n] = nil
	h.system = h.system[:n]
	m.urgent.Store(n > 0)
	return message
}

func (m *Mailbox) invokeSystem(message any) {
	switch message.(type) {
	case *actor.SuspendMailbox:
		m.paused = true
	case *actor.ResumeMailbox:
		m.paused = false
	case *actor.Stop:
		m.invoker.InvokeSystemMessage(message)
		m.buryIfStopped()
	default:
		m.invoker.InvokeSystemMessage(message)
	}
}

// buryIfStopped hands everything that waits for a stopped actor to OnDead, and what
// comes later too.
func (m *Mailbox) buryIfStopped() {
	self, ok := m.invoker.(interface{ Self() *actor.PID })
	if !ok {
		return
	}
	if _, alive := m.sys.actors.ProcessRegistry.GetLocal(self.Self().Id); alive {
		return
	}
	m.mu.Lock()
	m.dead = true
	var left []any
	if h := m.held; h != nil {
		left = append(h.current[h.next:], h.user...)
		h.current, h.next, h.user = nil, 0, nil
	}
	m.mu.Unlock()
	for _, message := range left {
		m.sys.dead(message)
	}
}
