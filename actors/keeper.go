package actors

import (
	"iter"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
)

// keeper is the part of an actor that routes to others: a shard keeps the actors of its root
// keys, a session the actors of its traces. The keeper is their only sender, which is why no
// message can meet a stopped actor. A member is
//
//	live      it has an actor, which gets its messages
//	in grace  it has ended, and is among the last that did: late calls find it live
//	draining  its actor was asked to passivate; messages wait until it answers
//	passive   it has no actor, only a record, for sessions with something to end
//
// A keeper and its members are owned by one actor, except member.finished, which the member's
// actor writes. T is the state that the owner adds to each member.
type keeper[T any] struct {
	shared *shared // immutable

	// few holds up to indexFrom members, many holds more; one of them is nil. A session rarely
	// has more than a few traces, and searching those costs less memory than a map.
	few  []*member[T]
	many map[messages.Ref]*member[T]

	// passive holds the records of passive sessions. It is nil before the first, and always nil
	// in a session, whose traces leave no records.
	passive map[messages.Ref]*messages.Rollup

	// grace holds members that have ended, the first to end first. Some may have been begun
	// again or removed since; they are skipped when they leave. It is nil before the first.
	grace *queue[*member[T]]

	// first and last are the ends of the list of members with pending commands, in the order in
	// which they got their first. It is empty between two messages.
	first, last *member[T]

	// number is the number of the next member. It may wrap around.
	number uint32
}

// shared is the common part of all keepers of one kind: of the shards, or of the sessions.
type shared struct {
	// host, graceEach and graceAll are immutable.
	host host
	// graceEach limits the members in the grace of one keeper, and with it the memory of a
	// program that ends many traces within Config.Grace.
	graceEach int
	// graceAll limits the members in the grace of all keepers together. It is checked without a
	// lock, so it may be exceeded a little.
	graceAll int64

	// inGrace and passive count the members in grace, and the records, of all keepers.
	inGrace atomic.Int64
	passive atomic.Int64
}

// host runs the actors of a keeper's members; System is the one in use.
type host interface {
	// spawn returns an actor for a session or a trace, which waits for its Begin.
	spawn(ref messages.Ref) *actor.PID
	// send never blocks, and messages to one actor keep their order.
	send(pid *actor.PID, message any)
	// recycle takes the actor of a trace that needs no more of it. It returns false if it
	// has no use for the actor.
	recycle(pid *actor.PID) bool
	// retire takes the actor of a trace that has passivated.
	retire(pid *actor.PID)
}

// member is the keeper's record of a session or trace that has an actor.
type member[T any] struct {
	ref messages.Ref // immutable
	// pid is nil until begin, and after remove. A route that has cached the member checks it.
	pid *actor.PID

	// pending collects commands while the owner handles a message; then forward sends them. next
	// is the next member in the keeper's list of those with pending commands.
	pending *messages.Commands
	next    *member[T]

	// draining buffers messages from drain to passivated; it is nil otherwise.
	draining *buffered

	// at is the time of the last call, in Unix nanoseconds.
	at int64
	// sent counts the Commands sent since Begin. The member's actor sets finished to the same
	// number if it has handled all and holds nothing open; see messages.Begin.
	sent     int64
	finished atomic.Int64

	number  uint32 // members were added in this order
	ended   bool   // the last call ended it
	inGrace bool   // it is in keeper.grace
	own     T      // the owner's state
}

// buffered holds the messages for an actor that was asked to passivate, until it answers.
type buffered struct {
	question messages.Passivate
	messages []any
}

// find returns the member for ref, or nil. It may have no actor yet only after a panic of the owner.
func (k *keeper[T]) find(ref messages.Ref) *member[T] {
	if k.many != nil {
		return k.many[ref]
	}
	for _, m := range k.few {
		if m.ref == ref {
			return m
		}
	}
	return nil
}

// get returns the member for ref. If there is none it adds one, without an actor: assign or live
// must follow in the same message.
func (k *keeper[T]) get(ref messages.Ref) *member[T] {
	if m := k.find(ref); m != nil {
		return m
	}
	m := &member[T]{ref: ref, number: k.number}
	k.number++
	switch {
	case k.many != nil:
		k.many[ref] = m
	case len(k.few) < indexFrom:
		k.few = append(k.few, m)
	default:
		k.many = make(map[messages.Ref]*member[T], 2*indexFrom)
		for _, known := range k.few {
			k.many[known.ref] = known
		}
		k.many[ref], k.few = m, nil
	}
	return m
}

// len returns the number of members.
func (k *keeper[T]) len() int { return len(k.few) + len(k.many) }

// all yields the members, in any order. None may be added or removed during the iteration.
func (k *keeper[T]) all() iter.Seq[*member[T]] {
	if k.many != nil {
		return maps.Values(k.many)
	}
	return slices.Values(k.few)
}

// oldestFirst returns the members in the order in which they were added.
func (k *keeper[T]) oldestFirst() []*member[T] {
	return slices.SortedFunc(k.all(), func(a, b *member[T]) int { return int(int32(a.number - b.number)) })
}

// begin gives a member an actor and returns the Begin that must be the actor's first message, alone
// or as the Start of its first Commands. A passive session continues from its record. The route may
// lead to a trace of a session; the session gets a route to itself.
func (k *keeper[T]) begin(m *member[T], route *messages.Route) messages.Begin {
	if m.ref.Entity == messages.Session && route.Trace.Entity != messages.Unknown {
		route = messages.NewRoute(m.ref, messages.Ref{})
	}
	m.sent = 0
	m.finished.Store(0)
	m.pid = k.shared.host.spawn(m.ref)
	return messages.Begin{Route: route, State: k.take(m.ref), Finished: &m.finished}
}

// take removes the record of a passive session and returns it, or nil if there is none.
func (k *keeper[T]) take(ref messages.Ref) *messages.Rollup {
	state := k.passive[ref]
	if state != nil {
		delete(k.passive, ref)
		k.shared.passive.Add(-1)
	}
	return state
}

// live returns the member for ref and gives it an actor if it has none. A new member counts as
// called at the given time, so that it is not idle at once.
func (k *keeper[T]) live(ref messages.Ref, route *messages.Route, at int64) *member[T] {
	m := k.get(ref)
	if m.pid == nil {
		m.at = at
		start := k.begin(m, route)
		k.shared.host.send(m.pid, &start)
	}
	return m
}

// assign collects a command for a member, and begins the member if it has no actor. forward sends
// the commands. Together they turn a batch for the owner into one batch for each member, in which
// the commands keep their order.
func (k *keeper[T]) assign(m *member[T], c *messages.Command, at int64) {
	m.at = max(m.at, at)
	m.ended = c.Action == messages.End && c.Target == m.ref || m.ended && c.NewEntity == nil
	if m.pending == nil {
		m.pending = messages.NewCommands()
		if m.pid == nil {
			m.pending.Start = k.begin(m, c.Route)
		}
		if k.first == nil {
			k.first = m
		} else {
			k.last.next = m
		}
		k.last = m
	}
	m.pending.Add(c)
}

// forward sends the collected commands to their members, and begins the grace of those that have
// ended. Each member leaves the list before its commands are sent, so that a panic cannot make them
// be sent twice.
func (k *keeper[T]) forward(c actor.Context) {
	for m := k.first; m != nil; m = k.first {
		commands := m.pending
		k.first, m.next, m.pending = m.next, nil, nil
		k.pass(m, commands)
		if m.ended && !m.inGrace {
			k.beginGrace(m)
		}
	}
	k.trimGrace(c)
}

// pass sends a message to a member that has an actor. While the member is draining it buffers the
// message instead: the actor may be about to stop, or to serve another trace.
func (k *keeper[T]) pass(m *member[T], message any) {
	if m.draining != nil {
		m.draining.messages = append(m.draining.messages, message)
		return
	}
	if _, ok := message.(*messages.Commands); ok {
		m.sent++
	}
	k.shared.host.send(m.pid, message)
}

// beginGrace puts a member that has ended behind the others in grace.
func (k *keeper[T]) beginGrace(m *member[T]) {
	if k.grace == nil {
		k.grace = &queue[*member[T]]{}
	}
	k.grace.push(m)
	m.inGrace = true
	k.shared.inGrace.Add(1)
}

// trimGrace ends the grace of the first to end, if there are too many: of this keeper, or of
// all keepers, and then none stays in this one. The actor of a trace that has reported that
// nothing is left for it to do is used again; others are asked to passivate.
func (k *keeper[T]) trimGrace(c actor.Context) {
	limit := k.shared.graceEach
	if k.shared.inGrace.Load() > k.shared.graceAll {
		limit = 0
	}
	for k.grace != nil && k.grace.len() > limit {
		m := k.grace.pop()
		m.inGrace = false
		k.shared.inGrace.Add(-1)
		switch {
		case !m.ended || m.pid == nil || m.draining != nil:
		case m.isFinished() && k.shared.host.recycle(m.pid):
			k.remove(m)
		default:
			k.drain(c, m, m.lastCall())
		}
	}
}

// lastCall returns the time of the last call.
func (m *member[T]) lastCall() time.Time { return time.Unix(0, m.at) }

// isFinished reports whether the actor of a trace has handled all commands and holds nothing open. A
// question may still be in its mailbox; it is answered before the Begin of the next trace. It is
// false for sessions, whose actors are not reused.
func (m *member[T]) isFinished() bool {
	return m.ref.Entity != messages.Session && m.sent > 0 && m.finished.Load() == m.sent
}

// drain asks a member's actor to passivate, and buffers its messages until the actor answers the
// owner, the actor of c. The actor may auto-end its entities before it decides, if they were idle
// for too long before now.
func (k *keeper[T]) drain(c actor.Context, m *member[T], now time.Time) {
	m.draining = &buffered{question: messages.Passivate{Owner: m.ref, Now: now}}
	c.Request(m.pid, &m.draining.question)
}

// passivated handles the answer to drain. A member that declined gets its buffered messages and
// is returned. One that accepted is removed, and its messages begin it again: Commands
// here, others through handle, as if they had come just now.
func (k *keeper[T]) passivated(answer *messages.Passivated, handle func(message any)) (declined *member[T]) {
	m := k.find(answer.Owner)
	if m == nil || m.draining == nil {
		return nil
	}
	waiting := m.draining.messages
	m.draining = nil
	if answer.Declined {
		for _, message := range waiting {
			k.pass(m, message)
		}
		return m
	}
	if m.ref.Entity != messages.Session {
		k.shared.host.retire(m.pid)
	}
	k.remove(m)
	if answer.State != nil {
		k.keep(m.ref, answer.State)
	}
	for _, message := range waiting {
		k.again(m, message, handle)
	}
	return nil
}

// again delivers a message that was buffered for a member that is gone.
func (k *keeper[T]) again(gone *member[T], message any, handle func(message any)) {
	switch message := message.(type) {
	case *messages.Commands:
		m := k.get(gone.ref)
		m.ended, m.at, m.own = gone.ended, gone.at, gone.own // they know these Commands
		if m.pid == nil {
			message.Start = k.begin(m, message.List[0].Route)
		}
		k.pass(m, message)
		if m.ended && !m.inGrace {
			k.beginGrace(m)
		}
	case *messages.EndOpen:
		m := k.find(gone.ref)
		switch {
		case message.Route != nil:
			handle(message)
		case m != nil:
			k.pass(m, message) // part of a finalization; earlier commands have begun it again
		default:
			message.Done() // nothing was open when the actor passivated
		}
	default:
		handle(message)
	}
}

// keep stores the record of a session that has passivated while it was open.
func (k *keeper[T]) keep(ref messages.Ref, state *messages.Rollup) {
	if k.passive == nil {
		k.passive = map[messages.Ref]*messages.Rollup{}
	}
	k.passive[ref] = state
	k.shared.passive.Add(1)
}

// remove forgets a member whose actor is gone. Routes that still point at it find no pid
// and look it up again. A keeper without members gives back the memory of its lists.
func (k *keeper[T]) remove(m *member[T]) {
	m.pid = nil
	if k.many != nil {
		delete(k.many, m.ref)
	} else {
		k.few = slices.DeleteFunc(k.few, func(known *member[T]) bool { return known == m })
	}
	if k.len() > 0 {
		return
	}
	if k.grace != nil {
		k.shared.inGrace.Add(-int64(k.grace.len()))
	}
	k.few, k.many, k.grace = nil, nil, nil
}
