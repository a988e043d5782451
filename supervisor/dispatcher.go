package supervisor

import (
	"sync"
	"sync/atomic"
)

// throughput is how many messages a mailbox may process before it goes to the
// back of the line.
const throughput = 256

// pool runs mailboxes on a fixed number of goroutines. Its run queue is bounded by
// the number of actors: a mailbox is in it at most once.
type pool struct {
	mu     sync.Mutex
	ready  []*Mailbox // guarded by mu; a ring would save the copy, a slice is enough
	head   int        // guarded by mu
	wake   sync.Cond  // on mu
	closed atomic.Bool
	done   sync.WaitGroup
}

func newPool(workers int) *pool {
	p := &pool{}
	p.wake.L = &p.mu
	for range workers {
		p.done.Go(p.work)
	}
	return p
}

// schedule queues a mailbox for a worker. After close nobody takes it: the system has
// drained before, or has given up.
func (p *pool) schedule(m *Mailbox) {
	p.mu.Lock()
	if p.head > 1024 && p.head*2 > len(p.ready) {
		n := copy(p.ready, p.ready[p.head:])
		clear(p.ready[n:])
		p.ready, p.head = p.ready[:n], 0
	}
	p.ready = append(p.ready, m)
	p.mu.Unlock()
	p.wake.Signal()
}

// next waits for a mailbox; nil means that the pool is closed.
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

func (p *pool) work() {
	finished := false
	defer func() {
		// runtime.Goexit in an actor takes this goroutine away; another replaces it.
		if !finished {
			p.done.Go(p.work)
		}
	}()
	for m := p.next(); m != nil; m = p.next() {
		m.run()
	}
	finished = true
}

// close ends the workers after the message that each is at, and waits for them. How much
// is queued does not matter: the owner of the system decides how long it drains.
func (p *pool) close() {
	p.mu.Lock()
	p.closed.Store(true)
	p.mu.Unlock()
	p.wake.Broadcast()
	p.done.Wait()
}
