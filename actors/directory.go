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

// directoryShard keeps entities by the hash of their id, which is cheaper to look up
// than the id, and the few that share a hash with another by themselves.
type directoryShard struct {
	mu     sync.Mutex
	known  map[uint64]known                 // guarded by mu
	others map[messages.Ref]*messages.Route // guarded by mu
	_      [40]byte                         // keeps neighbours' locks off the cache line
}

type known struct {
	ref   messages.Ref
	route *messages.Route
}

func newDirectory() *directory {
	d := &directory{seed: maphash.MakeSeed()}
	for i := range d.shards {
		d.shards[i].known = map[uint64]known{}
		d.shards[i].others = map[messages.Ref]*messages.Route{}
	}
	return d
}

// shard returns where an entity is kept, and its hash.
func (d *directory) shard(ref messages.Ref) (*directoryShard, uint64) {
	hash := maphash.String(d.seed, ref.ID) + uint64(ref.Entity)
	return &d.shards[hash%uint64(len(d.shards))], hash
}

func (d *directory) put(ref messages.Ref, route *messages.Route) {
	s, hash := d.shard(ref)
	s.put(hash, ref, route)
}

func (s *directoryShard) put(hash uint64, ref messages.Ref, route *messages.Route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, taken := s.known[hash]; taken && k.ref != ref {
		s.others[ref] = route
		return
	}
	s.known[hash] = known{ref, route}
}

func (d *directory) get(ref messages.Ref) *messages.Route {
	s, hash := d.shard(ref)
	return s.get(hash, ref)
}

func (s *directoryShard) get(hash uint64, ref messages.Ref) *messages.Route {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[hash]; k.ref == ref {
		return k.route
	}
	return s.others[ref]
}

// forget removes an entity unless it was begun again under another route.
func (d *directory) forget(ref messages.Ref, route *messages.Route) {
	s, hash := d.shard(ref)
	s.forget(hash, ref, route)
}

func (s *directoryShard) forget(hash uint64, ref messages.Ref, route *messages.Route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[hash]; k.ref == ref && k.route.Leads(route) {
		delete(s.known, hash)
	}
	if other := s.others[ref]; other != nil && other.Leads(route) {
		delete(s.others, ref)
	}
}

// size counts the entries; it locks the shards one after the other.
func (d *directory) size() int {
	n := 0
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.Lock()
		n += len(s.known) + len(s.others)
		s.mu.Unlock()
	}
	return n
}
