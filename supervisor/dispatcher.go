package supervisor

import (
	"sync"
	"sync/atomic"
)

// throughput is the number of messages that a mailbox may process in one turn. Then it goes to
// the back of the run queue, so that a flooded actor does not starve the others.
const throughput = 256

// pool runs mailboxes on a fixed number of goroutines. Its run queue is never longer than the
// number of actors, because a mailbox is in it at most once.
type pool struct {
	mu     sync.Mutex
	ready  []*Mailbox     // guarded by mu; the run queue, oldest first
	head   int            // guarded by mu; index of the first mailbox of ready that was not taken
	wake   sync.Cond      // on mu; signalled once for each mailbox, broadcast by close
	closed atomic.Bool    // written under mu; read without it between two messages
	done   sync.WaitGroup // counts the workers
}

// newPool starts the workers of a pool. close ends them.
func newPool(workers int) *pool {
	p := &pool{}
	p.wake.L = &p.mu
	for range workers {
		p.done.Go(p.work)
	}
	return p
}

// schedule queues a mailbox for a worker. After close no worker takes it any more: by then the
// owner of the system has waited for its actors or has given up on them.
func (p *pool) schedule(m *Mailbox) {
	p.mu.Lock()
	if p.head > 1024 && p.head*2 > len(p.ready) { // reuse the front before the slice grows
		n := copy(p.ready, p.ready[p.head:])
		clear(p.ready[n:])
		p.ready, p.head = p.ready[:n], 0
	}
	p.ready = append(p.ready, m)
	p.mu.Unlock()
	p.wake.Signal()
}

// next waits for a mailbox to run. It returns nil if the pool is closed.
func (p *pool) next() *Mailbox {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.head == len(p.ready) && !p.closed.Load() {
		p.ready, p.head = p.ready[:0], 0
		p.wake.Wait()
	}
	if p.closed.Load() {
		return nil
	}
	m := p.ready[p.head]
	p.ready[p.head] = nil
	p.head++
	return m
}

// work runs mailboxes until the pool is closed. Panics do not reach it: Mailbox.run recovers
// them.
func (p *pool) work() {
	finished := false
	defer func() {
		// runtime.Goexit in an actor ends this goroutine; start another in its place.
		if !finished {
			p.done.Go(p.work)
		}
	}()
	for m := p.next(); m != nil; m = p.next() {
		m.run()
	}
	finished = true
}

// close lets each worker finish its current message and waits for all of them. Queued messages
// stay where they are: the owner of the system decides how long to wait for them before.
func (p *pool) close() {
	p.mu.Lock()
	p.closed.Store(true)
	p.mu.Unlock()
	p.wake.Broadcast()
	p.done.Wait()
}
