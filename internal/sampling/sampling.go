package sampling

import (
	"cmp"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

// Policy configures a Sampler.
type Policy struct {
	Head float64 // the fraction of sessions, and of traces outside them, to log: 0 to 1
	Tail *Tail   // nil logs all traces that pass the head decision at once
}

// Tail configures the tail decision on traces that pass the head decision. A trace is logged, with
// all its entries, as soon as it gives a reason: a failure, or one of the thresholds below. A
// trace that ends without a reason is dropped, except for the fraction Rate.
type Tail struct {
	Rate     float64       // the fraction of traces without a reason to log: 0 to 1
	Slow     time.Duration // logs traces that take longer; 0 ignores the duration
	Cost     pricing.USD   // logs traces that cost more; 0 ignores the cost
	Disliked float64       // logs traces with feedback whose score is lower
	Wait     time.Duration // time for which a trace is held after its end, for its feedback
	MaxBytes int64         // limits the cost of held entries; a trace that does not fit is logged
}

const (
	// openAtMost limits the time for which a trace that does not end is held. Then it is kept.
	openAtMost = time.Hour
	// remembered is the number of dropped traces whose ids are known, so that their late entries
	// are dropped too. A late entry of an older one is logged.
	remembered = 1 << 16
)

// Sampler decides which entries are logged. Make one with New. Its methods may be called
// concurrently, except that pass and leave must not call them.
type Sampler struct {
	policy Policy
	pass   func([]messages.Entry) // called with mu held
	leave  func([]messages.Entry) // called with mu held
	left   atomic.Int64           // entries dropped

	mu      sync.Mutex
	traces  map[string]*trace // guarded by mu; held traces by id
	bytes   int64             // guarded by mu; cost of all held entries
	gone    map[string]bool   // guarded by mu; ids of dropped traces
	order   []string          // guarded by mu; the ids in gone, as a ring
	oldest  int               // guarded by mu; index of the oldest id in order, once it is full
	passing []messages.Entry  // guarded by mu; to be logged, not passed yet
	leaving []messages.Entry  // guarded by mu; to be dropped, not passed to leave yet
}

// trace is a held trace. Its fields are guarded by the sampler's mu.
type trace struct {
	entries []messages.Entry
	bytes   int64       // cost of the entries
	start   int64       // time of its first call, in Unix nanoseconds
	end     int64       // time of the call that ended it, in Unix nanoseconds
	ended   bool        // end is set
	cost    pricing.USD // spent on model calls so far
}

// New returns a sampler. It calls pass with entries to log and leave with entries to drop, each in
// order and never both at once. Neither may keep the slice, which is reused.
func New(p Policy, pass, leave func([]messages.Entry)) *Sampler {
	return &Sampler{policy: p, pass: pass, leave: leave, traces: map[string]*trace{}, gone: map[string]bool{}}
}

// Left returns the number of dropped entries.
func (s *Sampler) Left() int64 { return s.left.Load() }

// Take decides on entries. Each must refer to its command in Of, which Take clears: if pass panics
// and the caller retries, entries without a command are known to be taken already.
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

// Tick decides on traces that ended Wait ago, and keeps traces that have been open for too long.
// It should be called about once a second.
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

// Finish decides on all held traces as if each had ended. Close calls it, so that nothing stays in
// memory.
func (s *Sampler) Finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, t := range s.traces {
		s.decide(id, t)
	}
	s.hand()
}

// patience returns the time after which an open trace is kept: it is slow, or it may never end.
func (s *Sampler) patience() time.Duration {
	if slow := s.policy.Tail.Slow; slow > 0 {
		return min(slow, openAtMost)
	}
	return openAtMost
}

// LeavesOut reports whether the head decision drops everything that belongs to a root.
func (s *Sampler) LeavesOut(r *messages.Route) bool {
	return (r.Root.Entity == messages.Session || r.Root.Entity == messages.Trace) && !Keeps(cmp.Or(r.SessionHint, r.Root.ID), s.policy.Head)
}

// take decides on one entry: drop it, pass it, or hold it with its trace. Callers must hold mu.
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
	default: // begun in another process, or kept already
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

// learn updates the trace from a command and reports whether the command shows a failure.
func (t *trace) learn(c *messages.Command, owner messages.Ref) (failed bool) {
	if c.Cost != nil {
		t.cost = t.cost.Add(c.Cost.USD)
	}
	if c.Action == messages.End && c.Target == owner && !t.ended {
		t.ended, t.end = true, c.At
	}
	return c.Failed || c.Action == messages.Fail || c.Child().Entity == messages.Error
}

// worth reports whether a trace must be kept for its cost, its duration or a low score.
func (s *Sampler) worth(t *trace, c *messages.Command) bool {
	tail, last := s.policy.Tail, c.At
	if t.ended {
		last = t.end
	}
	return tail.Cost > 0 && t.cost > tail.Cost ||
		tail.Slow > 0 && last-t.start > int64(tail.Slow) ||
		c.Score != nil && *c.Score < tail.Disliked
}

// decide keeps or drops a trace that gave no reason to be kept, by its id. Callers must hold mu.
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

// keep logs a held trace. Its later entries pass at once, because it is no longer in traces.
func (s *Sampler) keep(id string, t *trace) {
	delete(s.traces, id)
	s.bytes -= t.bytes
	s.passing = append(s.passing, t.entries...)
}

// remember records the id of a dropped trace and forgets the oldest one if there are too many.
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

// hand passes on the entries that are decided. A list is cleared only after its call returned: if
// that panics, the entries are handed over again by the next call.
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

// Keeps reports whether an id belongs to the sampled fraction of all ids, from 0 to 1. All
// processes and versions agree: the id's 64-bit FNV-1a hash, mixed by the finalizer of
// MurmurHash3, must be below the fraction of 2^64. Never change it, or distributed traces would be
// logged in part.
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
