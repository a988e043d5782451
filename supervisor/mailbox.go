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
// Senders append to user and system; the worker that runs the mailbox swaps the
// buffers and owns current until it gives the mailbox back.
type Mailbox struct {
	sys     *System              // immutable
	invoker actor.MessageInvoker // set once by RegisterHandlers, under mu

	mu      sync.Mutex
	user    []any // guarded by mu
	system  []any // guarded by mu
	running bool  // guarded by mu; a worker owns the consumer side or is about to
	dead    bool  // guarded by mu; the actor has stopped

	urgent atomic.Bool // system is not empty; written under mu

	// The consumer side, owned by the running worker.
	current []any
	next    int
	paused  bool // suspended after a failure, until it is resumed
}

// keep is the largest buffer, in messages, that an idle mailbox holds on to.
const keep = 4

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
	return len(m.user)
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
	m.user = append(m.user, message)
	start := m.wakeLocked()
	m.mu.Unlock()
	if start {
		m.sys.pool.schedule(m)
	}
}

// PostSystemMessage queues a message of the actor library.
func (m *Mailbox) PostSystemMessage(message any) {
	m.mu.Lock()
	m.system = append(m.system, message)
	m.urgent.Store(true)
	start := m.wakeLocked()
	m.mu.Unlock()
	if start {
		m.sys.pool.schedule(m)
	}
}

// wakeLocked reports whether the caller must schedule the mailbox.
func (m *Mailbox) wakeLocked() bool {
	if m.running || m.invoker == nil {
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
		if reason := recover(); reason != nil {
			m.invoker.EscalateFailure(reason, message)
		}
		m.sys.pool.schedule(m)
	}()
	for range throughput {
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
	if !m.urgent.Load() && !m.paused && m.next < len(m.current) {
		return m.takeCurrent(), false, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.system) > 0 {
		message = m.system[0]
		if m.system = m.system[1:]; len(m.system) == 0 {
			m.system = nil
			m.urgent.Store(false)
		}
		return message, true, true
	}
	if m.paused {
		m.running = false
		return nil, false, false
	}
	if m.next == len(m.current) {
		m.next = 0
		if len(m.user) == 0 {
			m.current, m.user = shrink(m.current), shrink(m.user)
			m.running = false
			return nil, false, false
		}
		m.current, m.user = m.user, m.current[:0]
	}
	return m.takeCurrent(), false, true
}

func (m *Mailbox) takeCurrent() any {
	message := m.current[m.next]
	m.current[m.next] = nil
	m.next++
	return message
}

func shrink(b []any) []any {
	if cap(b) > keep {
		return nil
	}
	return b[:0]
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
	left := append(m.current[m.next:], m.user...)
	m.current, m.next, m.user = nil, 0, nil
	m.mu.Unlock()
	for _, message := range left {
		m.sys.dead(message)
	}
}
