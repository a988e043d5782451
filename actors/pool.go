package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
)

// poolMax limits how many actors wait for another trace; each takes about 1 KB.
const poolMax = 1024

// pool holds trace actors whose traces are over. They serve other traces: starting and
// stopping an actor costs more than everything else that a short trace needs from it. Safe for
// concurrent use.
type pool struct {
	mu   sync.Mutex
	pids []*actor.PID // guarded by mu
}

// take returns an actor, or nil if there is none.
func (p *pool) take() *actor.PID {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.pids)
	if n == 0 {
		return nil
	}
	pid := p.pids[n-1]
	p.pids = p.pids[:n-1]
	return pid
}

// put adds an actor and reports whether there was room for it.
func (p *pool) put(pid *actor.PID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pids) == poolMax {
		return false
	}
	p.pids = append(p.pids, pid)
	return true
}

// spawn implements host: it starts an actor for a session, and takes one from the pool for a
// trace, if there is one.
func (s *System) spawn(ref messages.Ref) *actor.PID {
	s.live.Add(1)
	if ref.Entity == messages.Session {
		return s.sup.Spawn(s.session)
	}
	if pid := s.pool.take(); pid != nil {
		return pid
	}
	return s.sup.Spawn(s.trace)
}

// send implements host.
func (s *System) send(pid *actor.PID, message any) { s.sup.Send(pid, message) }

// recycle implements host: it returns a finished trace's actor to the pool without a
// passivation handshake. The actor keeps its ids registered until it is reused.
func (s *System) recycle(pid *actor.PID) bool {
	if !s.pool.put(pid) {
		return false
	}
	s.live.Add(-1)
	return true
}

// retire implements host: it returns the actor of a passivated trace to the pool, or stops
// it. Nobody may send to it any more.
func (s *System) retire(pid *actor.PID) {
	if !s.recycle(pid) {
		s.live.Add(-1)
		s.sup.Stop(pid)
	}
}
