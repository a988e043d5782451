package actors

import (
	"hash/maphash"
	"sync"

	"github.com/troupelog/troupe/messages"
)

// directory maps the ids of entities that this process created to their routes. The creating
// call writes to it before it returns, so a later call by id, on any goroutine, takes the same
// way and arrives after it. Safe for concurrent use.
type directory struct {
	seed   maphash.Seed
	shards [64]directoryShard
}

// directoryShard keeps entities by the hash of their id, which is cheaper to look up than the
// id. Of two entities with the same hash the later one hides the earlier. The seed is random
// for each process, so that is a chance of 2^-64 for each pair. Calls by a hidden id are treated
// like calls by the id of another process: they get a route without the trace around it.
type directoryShard struct {
	mu    sync.Mutex
	known map[uint64]known // guarded by mu
	_     [48]byte         // keeps the locks of neighbours on different cache lines
}

// known is an entity in the directory, immutable.
type known struct {
	ref   messages.Ref
	route *messages.Route
}

// newDirectory returns an empty directory.
func newDirectory() *directory {
	d := &directory{seed: maphash.MakeSeed()}
	for i := range d.shards {
		d.shards[i].known = map[uint64]known{}
	}
	return d
}

// shard returns the shard for an entity, and the entity's hash.
func (d *directory) shard(ref messages.Ref) (*directoryShard, uint64) {
	hash := maphash.String(d.seed, ref.ID) + uint64(ref.Entity)
	return &d.shards[hash%uint64(len(d.shards))], hash
}

// put stores the route of an entity, in place of an earlier one.
func (d *directory) put(ref messages.Ref, route *messages.Route) {
	s, hash := d.shard(ref)
	s.mu.Lock()
	s.known[hash] = known{ref, route}
	s.mu.Unlock()
}

// get returns the route of an entity, or nil if it is not known.
func (d *directory) get(ref messages.Ref) *messages.Route {
	s, hash := d.shard(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[hash]; k.ref == ref {
		return k.route
	}
	return nil
}

// forget removes an entity, unless it was created again with a route that leads elsewhere.
func (d *directory) forget(ref messages.Ref, route *messages.Route) {
	s, hash := d.shard(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[hash]; k.ref == ref && k.route.Leads(route) {
		delete(s.known, hash)
	}
}

// size returns the number of entities. It locks one shard at a time, so concurrent changes may
// be counted or not.
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
