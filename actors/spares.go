package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// spareMost is how many actors wait for another trace; each is about 1 KB.
const spareMost = 1024

// spares are trace actors whose traces were passivated. They serve other traces: to
// start and to stop an actor costs more than everything else that a short trace needs
// of it. Safe for concurrent use.
type spares struct {
	mu   sync.Mutex
	pids []*actor.PID // guarded by mu
}

// take returns an actor, nil if there is none.
func (s *spares) take() *actor.PID {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.pids)
	if n == 0 {
		return nil
	}
	pid := s.pids[n-1]
	s.pids = s.pids[:n-1]
	return pid
}

// put reports whether there was room for the actor.
func (s *spares) put(pid *actor.PID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pids) == spareMost {
		return false
	}
	s.pids = append(s.pids, pid)
	return true
}

// beginTrace returns an actor for a trace.
func (s *System) beginTrace() *actor.PID {
	s.live.Add(1)
	if pid := s.spare.take(); pid != nil {
		return pid
	}
	return s.sup.Spawn(s.trace)
}

// endTrace takes the actor of a trace that was passivated. Nobody may send to it any more.
func (s *System) endTrace(pid *actor.PID) {
	if !s.giveUp(pid) {
		s.live.Add(-1)
		s.sup.Stop(pid)
	}
}

// giveUp takes the actor of a trace that is settled, and has not been asked: it knows the
// trace, and its ids, until it begins another. It reports whether there was room for it.
func (s *System) giveUp(pid *actor.PID) bool {
	if !s.spare.put(pid) {
		return false
	}
	s.live.Add(-1)
	return true
}
