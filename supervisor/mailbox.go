package supervisor

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// Mailbox is an actor.Mailbox that loses nothing: messages that can no longer reach their actor
// go to the system's OnDead, each exactly once. Messages of one sender keep their order, and
// messages of the actor library overtake user messages.
//
// An idle mailbox is 64 bytes: it borrows a backlog only while messages are queued. All methods
// may be called concurrently.
type Mailbox struct {
	sys     *System              // immutable
	invoker actor.MessageInvoker // set once by RegisterHandlers, under mu

	mu      sync.Mutex
	running bool        // guarded by mu; a worker owns the consumer side or will soon
	dead    bool        // guarded by mu; the actor has stopped
	paused  bool        // owned by the running worker; suspended from a failure until the actor resumes
	urgent  atomic.Bool // backlog.system is not empty; written under mu

	// backlog is nil only while the mailbox is idle. Senders set it under mu if it is nil, and
	// the running worker releases it under mu when it stops running. Between these it does not
	// change, so the running worker may read it without mu.
	backlog *backlog
}

// Resumable is a message that an actor handles in steps. After a panic the actor receives the
// message again, before any other, as long as it is Unfinished. A step must be removed from the
// message before it runs: otherwise a step that always panics would be repeated forever.
type Resumable interface{ Unfinished() bool }

// backlog holds the messages of a busy mailbox. Senders append to user and system, which are
// guarded by the mailbox's mu. The running worker owns current and next; when current is used up
// it swaps the two buffers under mu, so that senders and worker rarely wait for each other.
type backlog struct {
	user, system []any
	current      []any
	next         int // index of the first message of current that was not taken
}

// maxKept is the capacity, in messages, of the largest buffer that is kept for reuse. Larger
// ones are left to the garbage collector, so a burst does not hold memory afterwards.
const maxKept = 256

// mailboxPool holds the empty backlogs of idle mailboxes, for all systems of the process.
var mailboxPool = sync.Pool{New: func() any { return &backlog{} }}

// borrowLocked returns the mailbox's backlog and borrows one if it has none. Callers must hold
// mu.
func (m *Mailbox) borrowLocked() *backlog {
	if m.backlog == nil {
		m.backlog = mailboxPool.Get().(*backlog)
	}
	return m.backlog
}

// releaseLocked returns an empty backlog to the pool. Callers must hold mu and be the running
// worker.
func (m *Mailbox) releaseLocked() {
	b := m.backlog
	m.backlog = nil
	if cap(b.user) > maxKept || cap(b.current) > maxKept || cap(b.system) > maxKept {
		return
	}
	b.user, b.system, b.current, b.next = b.user[:0], b.system[:0], b.current[:0], 0
	mailboxPool.Put(b)
}

// RegisterHandlers makes the mailbox ready. The library calls it once, while it spawns the
// actor; messages that were posted earlier are processed from now on.
func (m *Mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.mu.Lock()
	m.invoker = invoker
	start := m.wakeLocked()
	m.mu.Unlock()
	if start {
		m.sys.pool.schedule(m)
	}
}

// Start implements actor.Mailbox. It does nothing: RegisterHandlers starts the mailbox.
func (m *Mailbox) Start() {}

// UserMessageCount returns the number of user messages that no worker has picked up yet.
func (m *Mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.backlog == nil {
		return 0
	}
	return len(m.backlog.user)
}

// PostUserMessage queues a message and never blocks. nil is ignored. If the actor has stopped,
// the message goes to OnDead on the calling goroutine.
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
	b := m.borrowLocked()
	b.user = append(b.user, message)
	start := m.wakeLocked()
	m.mu.Unlock()
	if start {
		m.sys.pool.schedule(m)
	}
}

// PostSystemMessage queues a message of the actor library, ahead of all user messages.
func (m *Mailbox) PostSystemMessage(message any) {
	m.mu.Lock()
	b := m.borrowLocked()
	b.system = append(b.system, message)
	m.urgent.Store(true)
	start := m.wakeLocked()
	m.mu.Unlock()
	if start {
		m.sys.pool.schedule(m)
	}
}

// wakeLocked reports whether the caller must schedule the mailbox, and marks it as running if
// so: a mailbox is in the run queue at most once. Callers must hold mu.
func (m *Mailbox) wakeLocked() bool {
	if m.running || m.invoker == nil || m.backlog == nil {
		return false
	}
	m.running = true
	return true
}

// run processes messages on a worker until none are left or the turn is over. A panic or
// runtime.Goexit ends the turn: the deferred function reports it before the next message, and
// queues the mailbox again. After Goexit the goroutine is gone, so another worker goes on.
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
			m.backlog.putBack(message)
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

// take returns the next message and reports whether it is a system message. If there is none,
// or only user messages for a suspended actor, it reports false and the mailbox is idle: from
// then on another worker may own it, so the caller must not touch it again.
func (m *Mailbox) take() (message any, system, ok bool) {
	b := m.backlog
	if !m.urgent.Load() && !m.paused && b.next < len(b.current) {
		return b.takeCurrent(), false, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case len(b.system) > 0:
		return m.takeSystemLocked(), true, true
	case m.paused:
		m.running = false
		return nil, false, false
	case b.next < len(b.current):
		return b.takeCurrent(), false, true
	case len(b.user) == 0:
		m.releaseLocked()
		m.running = false
		return nil, false, false
	}
	b.current, b.user, b.next = b.user, b.current[:0], 0
	return b.takeCurrent(), false, true
}

// putBack makes the message that was taken last the next one again. It has room: the message
// came out of current, and only the running worker advances next.
func (b *backlog) putBack(message any) {
	b.next--
	b.current[b.next] = message
}

// takeCurrent returns the next message of current and forgets it, so that handled messages do not
// stay reachable until the buffer is reused.
func (b *backlog) takeCurrent() any {
	message := b.current[b.next]
	b.current[b.next] = nil
	b.next++
	return message
}

// takeSystemLocked returns the oldest system message. Callers must hold mu. Copying the rest is
// cheap: an actor has one or two system messages at a time.
func (m *Mailbox) takeSystemLocked() any {
	b := m.backlog
	message := b.system[0]
	n := copy(b.system, b.system[1:])
	b.system[n] = nil
	b.system = b.system[:n]
	m.urgent.Store(n > 0)
	return message
}

// invokeSystem handles a system message. Suspension is the mailbox's business: the library
// suspends an actor before it reports a failure, and resumes it when the report is done.
func (m *Mailbox) invokeSystem(message any) {
	switch message.(type) {
	case *actor.SuspendMailbox:
		m.paused = true
	case *actor.ResumeMailbox:
		m.paused = false
	case *actor.Stop:
		m.invoker.InvokeSystemMessage(message)
		m.drainIfStopped()
	default:
		m.invoker.InvokeSystemMessage(message)
	}
}

// drainIfStopped passes the messages that are queued for a stopped actor to OnDead, and makes
// later ones go there as well. A Stop does not always stop an actor at once: it may wait for
// children, so the process registry decides.
func (m *Mailbox) drainIfStopped() {
	self, ok := m.invoker.(interface{ Self() *actor.PID })
	if !ok {
		return
	}
	if _, alive := m.sys.actors.ProcessRegistry.GetLocal(self.Self().Id); alive {
		return
	}
	m.mu.Lock()
	m.dead = true
	var queued []any
	if b := m.backlog; b != nil {
		queued = append(b.current[b.next:], b.user...)
		b.current, b.next, b.user = nil, 0, nil
	}
	m.mu.Unlock()
	for _, message := range queued { // without mu: OnDead may send to this actor
		m.sys.dead(message)
	}
}
