package sampling

import (
	"cmp"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/messages"
)

// Policy is what is logged.
type Policy struct {
	Head float64 // the part of sessions, and of traces outside of them, from 0 to 1
	Tail *Tail   // nil holds nothing
}

// Tail is what is kept of the traces that a head decision lets pass. A trace is kept whole
// at the first reason, and at its end, if there was none, for a part of them.
type Tail struct {
	Rate     float64       // the part of traces without a reason that is kept, from 0 to 1
	Slow     time.Duration // keeps traces that take longer; 0 does not look at it
	Cost     float64       // keeps traces that cost more US dollars; 0 does not look at it
	Disliked float64       // keeps traces with feedback whose score is below
	Wait     time.Duration // how long after its end a trace is held, for its feedback
	MaxBytes int64         // memory of lines that are held; where there is no room, a trace is kept
}

const (
	// openAtMost is how long a trace that does not end is held. Then it is kept.
	openAtMost = time.Hour
	// remembered is how many traces that were left out are known, to leave out what comes
	// late.
	remembered = 1 << 16
)

// Sampler decides. Make one with New; its methods may be called concurrently.
type Sampler struct {
	policy Policy
	pass   func([]messages.Entry) // called with mu held
	leave  func([]messages.Entry) // called with mu held
	left   atomic.Int64

	mu      sync.Mutex
	traces  map[string]*trace // guarded by mu; those that are held, by id
	bytes   int64             // guarded by mu; of all that is held
	gone    map[string]bool   // guarded by mu; ids of traces that were left out
	order   []string          // guarded by mu; gone, as a ring
	oldest  int               // guarded by mu; in order, once it is full
	passing []messages.Entry  // guarded by mu; decided, and not passed yet
	leaving []messages.Entry  // guarded by mu; decided, and not left out yet
}

// trace is a trace that is held.
type trace struct {
	entries []messages.Entry
	bytes   int64
	start   int64 // of its first call, Unix nanoseconds
	end     int64 // of the call that ended it
	ended   bool
	cost    float64
}

// New returns a sampler. It calls pass with entries to log, and leave with those to leave
// out, each in their order, never both at once. Neither may keep the slice.
func New(p Policy, pass, leave func([]messages.Entry)) *Sampler {
	return &Sampler{policy: p, pass: pass, leave: leave, traces: map[string]*trace{}, gone: map[string]bool{}}
}

// Left returns how many entries were left out.
func (s *Sampler) Left() int64 { return s.left.Load() }

// Take decides on entries, each of which names its command. It takes the commands away:
// where pass panics, an entry without one was taken before.
func (s *Sampler) Take(entries []messages.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range entries {
		if c := entries[i].Of; c != nil {
			entries[i].Of = nil
			s.take(entries[i], c)
		}
	}
	s.hand()
}

// Tick decides on traces whose time has come. It is to be called every second or so.
func (s *Sampler) Tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.policy.Tail == nil {
		return
	}
	for id, t := range s.traces {
		switch {
		case t.ended && now.UnixNano()-t.end >= int64(s.policy.Tail.Wait):
			s.decide(id, t)
		case !t.ended && now.UnixNano()-t.start >= int64(s.patience()):
			s.keep(id, t)
		}
	}
	s.hand()
}

// Finish decides on all traces that are held, as if each had ended.
func (s *Sampler) Finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, t := range s.traces {
		s.decide(id, t)
	}
	s.hand()
}

// patience is how long a trace may be open before it is worth keeping.
func (s *Sampler) patience() time.Duration {
	if slow := s.policy.Tail.Slow; slow > 0 {
		return min(slow, openAtMost)
	}
	return openAtMost
}

// LeavesOut reports whether the head decision leaves out all that belongs to a root.
func (s *Sampler) LeavesOut(r *messages.Route) bool {
	return (r.Root.Entity == messages.Session || r.Root.Entity == messages.Trace) && !Keeps(cmp.Or(r.SessionHint, r.Root.ID), s.policy.Head)
}

func (s *Sampler) take(e messages.Entry, c *messages.Command) {
	if s.LeavesOut(c.Route) {
		s.leaving = append(s.leaving, e)
		return
	}
	owner := c.Route.Owner()
	if s.policy.Tail == nil || owner.Entity != messages.Trace {
		s.passing = append(s.passing, e)
		return
	}
	t := s.traces[owner.ID]
	switch {
	case t != nil:
	case c.Child() == owner:
		t = &trace{start: c.At}
		s.traces[owner.ID] = t
		delete(s.gone, owner.ID) // begun again under its id
	case s.gone[owner.ID]:
		s.leaving = append(s.leaving, e)
		return
	default: // of another process, or kept
		s.passing = append(s.passing, e)
		return
	}
	cost := e.Cost()
	t.entries = append(t.entries, e)
	t.bytes += cost
	s.bytes += cost
	if t.learn(c, owner) || s.worth(t, c) || s.bytes > s.policy.Tail.MaxBytes {
		s.keep(owner.ID, t)
	}
}

// learn notes what a command says of its trace, and reports whether it says of a failure.
func (t *trace) learn(c *messages.Command, owner messages.Ref) (failed bool) {
	if c.Cost != nil {
		t.cost += c.Cost.USD
	}
	if c.Action == messages.End && c.Target == owner && !t.ended {
		t.ended, t.end = true, c.At
	}
	return c.Failed || c.Action == messages.Fail || c.Child().Entity == messages.Error
}

// worth reports whether a trace is worth keeping for what it took, or for a command.
func (s *Sampler) worth(t *trace, c *messages.Command) bool {
	tail, last := s.policy.Tail, c.At
	if t.ended {
		last = t.end
	}
	return tail.Cost > 0 && t.cost > tail.Cost ||
		tail.Slow > 0 && last-t.start > int64(tail.Slow) ||
		c.Score != nil && *c.Score < tail.Disliked
}

// decide ends the holding of a trace without a reason to keep it.
func (s *Sampler) decide(id string, t *trace) {
	if Keeps(id, s.policy.Tail.Rate) {
		s.keep(id, t)
		return
	}
	delete(s.traces, id)
	s.bytes -= t.bytes
	s.leaving = append(s.leaving, t.entries...)
	s.remember(id)
}

func (s *Sampler) keep(id string, t *trace) {
	delete(s.traces, id)
	s.bytes -= t.bytes
	s.passing = append(s.passing, t.entries...)
}

func (s *Sampler) remember(id string) {
	if s.gone[id] {
		return
	}
	s.gone[id] = true
	if len(s.order) < remembered {
		s.order = append(s.order, id)
		return
	}
	delete(s.gone, s.order[s.oldest])
	s.order[s.oldest] = id
	s.oldest = (s.oldest + 1) % remembered
}

// hand hands over what is decided.
func (s *Sampler) hand() {
	if len(s.passing) > 0 {
		s.pass(s.passing)
		clear(s.passing)
		s.passing = s.passing[:0]
	}
	if len(s.leaving) > 0 {
		s.left.Add(int64(len(s.leaving)))
		s.leave(s.leaving)
		clear(s.leaving)
		s.leaving = s.leaving[:0]
	}
}

// Keeps reports whether an id is in a part of all ids. It is the same in every process:
// the id's FNV-1a hash of 64 bits, mixed as by the finalizer of MurmurHash3, is below
// the part of 2^64.
func Keeps(id string, part float64) bool {
	if part >= 1 {
		return true
	}
	const offset, prime = 14695981039346656037, 1099511628211
	hash := uint64(offset)
	for i := range len(id) {
		hash = (hash ^ uint64(id[i])) * prime
	}
	hash ^= hash >> 33
	hash *= 0xff51afd7ed558ccd
	hash ^= hash >> 33
	hash *= 0xc4ceb9fe1a85ec53
	hash ^= hash >> 33
	return float64(hash) < part*math.MaxUint64
}
