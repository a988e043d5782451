package viewer

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/fold"
)

// snapshots keeps what the page of a large trace was made of until the browser asks for
// the tree JSON of the same trace, a moment later: so both show the same, and it is read
// once. It may be used concurrently.
type snapshots struct {
	mu   sync.Mutex
	kept map[string]snapshot // guarded by mu; by a random name
}

// snapshot is the entities of a trace. Nobody changes them.
type snapshot struct {
	trace    fold.Key
	entities []fold.Entity
	forget   *time.Timer
}

const (
	leastSnapshot = 500              // entities: less is soon read again
	mostSnapshots = 2                // at a time
	snapshotLife  = 10 * time.Second // until it is forgotten if nobody asks
)

// put keeps entities and returns their name, "" if they are not kept.
func (s *snapshots) put(trace fold.Key, entities []fold.Entity) string {
	if len(entities) < leastSnapshot {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= mostSnapshots {
		return ""
	}
	if s.kept == nil {
		s.kept = map[string]snapshot{}
	}
	name := rand.Text()
	s.kept[name] = snapshot{trace, entities, time.AfterFunc(snapshotLife, func() { s.take(name, trace) })}
	return name
}

// take returns the entities of a trace that were kept under a name, once; nil if they are
// not there.
func (s *snapshots) take(name string, trace fold.Key) []fold.Entity {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.kept[name]
	if !ok || found.trace != trace {
		return nil
	}
	found.forget.Stop()
	delete(s.kept, name)
	return found.entities
}
