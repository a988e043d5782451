package actors

import (
	"hash/maphash"
	"sync"

	"github.com/troupelog/troupe/messages"
)

// directory finds the route of an entity by its id: the traces that this process
// created, and what it began in them. It is written on the caller's goroutine
// before the creating call returns, so a later call by id, on any goroutine, takes
// the same path. Safe for concurrent use.
type directory struct {
	seed   maphash.Seed
	shards [64]directoryShard
}

type directoryShard struct {
	mu     sync.RWMutex
	routes map[messages.Ref]*messages.Route // guarded by mu
	_      [32]byte                         // keeps neighbours' locks off the cache line
}

func newDirectory() *directory {
	d := &directory{seed: maphash.MakeSeed()}
	for i := range d.shards {
		d.shards[i].routes = map[messages.Ref]*messages.Route{}
	}
	return d
}

func (d *directory) shard(ref messages.Ref) *directoryShard {
	return &d.shards[maphash.String(d.seed, ref.ID)%uint64(len(d.shards))]
}

func (d *directory) put(ref messages.Ref, route *messages.Route) {
	s := d.shard(ref)
	s.mu.Lock()
	s.routes[ref] = route
	s.mu.Unlock()
}

func (d *directory) get(ref messages.Ref) *messages.Route {
	s := d.shard(ref)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.routes[ref]
}

// forget removes an entity unless it was begun again under another route.
func (d *directory) forget(ref messages.Ref, route *messages.Route) {
	s := d.shard(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.routes[ref]; known != nil && *known == *route {
		delete(s.routes, ref)
	}
}

// size counts the entries; it locks the shards one after the other.
func (d *directory) size() int {
	n := 0
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.RLock()
		n += len(s.routes)
		s.mu.RUnlock()
	}
	return n
}
