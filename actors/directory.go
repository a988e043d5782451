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
// than the id. Of two with the same hash the later one hides the earlier: with a seed of
// this process that is one chance in 2^64 for each two, and costs what an id of another
// process costs: calls by id take a path of their own.
type directoryShard struct {
	mu    sync.Mutex
	known map[uint64]known // guarded by mu
	_     [48]byte         // keeps neighbours' locks off the cache line
}

type known struct {
	ref   messages.Ref
	route *messages.Route
}

func newDirectory() *directory {
	d := &directory{seed: maphash.MakeSeed()}
	for i := range d.shards {
		d.shards[i].known = map[uint64]known{}
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
	s.mu.Lock()
	s.known[hash] = known{ref, route}
	s.mu.Unlock()
}

func (d *directory) get(ref messages.Ref) *messages.Route {
	s, hash := d.shard(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[hash]; k.ref == ref {
		return k.route
	}
	return nil
}

// forget removes an entity unless it was begun again under another route.
func (d *directory) forget(ref messages.Ref, route *messages.Route) {
	s, hash := d.shard(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[hash]; k.ref == ref && k.route.Leads(route) {
		delete(s.known, hash)
	}
}

// size counts the entries; it locks the shards one after the other.
func (d *directory) size() int {
	n := 0
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.Lock()
		n += len(s.known)
		s.mu.Unlock()
	}
	return n
}
