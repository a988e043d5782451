package sqlite

import (
	"math/bits"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/pricing"
)

// usages and costs are the numbers of counters in a Usage and a Cost. Amounts may be any
// int64: addition and subtraction wrap around, so they undo each other exactly.
const (
	usages = 8
	costs  = 3
)

func usageCounters(u pricing.Usage) [usages]int64 {
	return [usages]int64{u.Input, u.Output, u.Total, u.CacheRead, u.CacheWrite, u.Reasoning, u.AudioInput, u.AudioOutput}
}

func usageOf(c []int64) pricing.Usage {
	return pricing.Usage{
		Input: c[0], Output: c[1], Total: c[2], CacheRead: c[3], CacheWrite: c[4],
		Reasoning: c[5], AudioInput: c[6], AudioOutput: c[7],
	}
}

func costCounters(c pricing.Cost) [costs]int64 {
	return [costs]int64{int64(c.Input), int64(c.Output), int64(c.Total)}
}

func costOf(c []int64) pricing.Cost {
	return pricing.Cost{Input: pricing.USD(c[0]), Output: pricing.USD(c[1]), Total: pricing.USD(c[2])}
}

// sums holds the totals of a tree. Positions are part of the file format: never reorder them.
type sums [sumEnd]int64

const (
	sumKinds       = 0  // and the seven behind: entities by kind, without the top
	sumFailed      = 8  // errors, failed generations and failed tool calls
	sumOpen        = 9  // started and not ended, without the top
	sumFeedback    = 10 // of the tree
	sumAttachments = 11 // of the tree
	sumUnpriced    = 12 // generations
	sumPartial     = 13 // entities that no line began
	sumUsage       = 14 // and the seven behind
	sumCost        = sumUsage + usages
	sumEnd         = sumCost + costs
)

// share returns the contribution of an entity to the sums of its tree.
func share(e *fold.Entity) (s sums) {
	kind := e.Ref.Kind
	s[sumFeedback], s[sumAttachments] = int64(e.Feedback), int64(e.Attachments)
	if !e.Started {
		s[sumPartial] = 1
	}
	if kind == protocol.Trace {
		return s
	}
	s[sumKinds+int(kind)] = 1
	if kind == protocol.Error || e.Failed && (kind == protocol.Generation || kind == protocol.ToolCall) {
		s[sumFailed] = 1
	}
	if e.Open() {
		s[sumOpen] = 1
	}
	if kind != protocol.Generation {
		return s
	}
	if e.Costing == fold.Unpriced {
		s[sumUnpriced] = 1
	}
	usage, cost := usageCounters(e.Usage), costCounters(e.Cost)
	copy(s[sumUsage:], usage[:])
	copy(s[sumCost:], cost[:])
	return s
}

func (s *sums) add(v *sums) {
	for i := range s {
		s[i] += v[i]
	}
}

func (s *sums) sub(v *sums) {
	for i := range s {
		s[i] -= v[i]
	}
}

func (s *sums) usage() pricing.Usage { return usageOf(s[sumUsage:]) }
func (s *sums) cost() pricing.Cost   { return costOf(s[sumCost:]) }

// entities returns how many entities are below the top.
func (s *sums) entities() (n int) {
	for kind := range 8 {
		n += int(s[sumKinds+kind])
	}
	return n
}

// kinds returns 1 << kind for each kind that is below the top.
func (s *sums) kinds() (set int64) {
	for kind := range 8 {
		if s[sumKinds+kind] > 0 {
			set |= 1 << kind
		}
	}
	return set
}

// bucket is a row of roll-ups. Positions are part of the file format: never reorder them.
type bucket [bucketEnd]int64

const (
	bucketCount     = 0
	bucketErrors    = 1
	bucketUnpriced  = 2
	bucketUsage     = 3 // and the seven behind
	bucketCost      = bucketUsage + usages
	bucketDurations = bucketCost + costs
	bucketEnd       = bucketDurations + durations
	durations       = 40
)

// bucketKey identifies a row of roll-ups.
type bucketKey struct {
	repo  int64
	daily bool
	start int64
	kind  protocol.Kind
	name  string
}

// unknownName replaces the name of a model or tool that no line names.
const unknownName = "unknown"

// rolled returns the contribution of an entity to an hourly roll-up and its key. It returns
// false for entities without a create line and for kinds without roll-ups.
func rolled(e *fold.Entity, repo int64) (k bucketKey, b bucket, ok bool) {
	if !e.Started {
		return k, b, false
	}
	k = bucketKey{repo: repo, kind: e.Ref.Kind, start: listedAt(e).Truncate(time.Hour).UnixMicro()}
	switch e.Ref.Kind {
	case protocol.Trace:
	case protocol.Generation:
		k.name = clipLabel(orUnknown(e.Model))
		b[bucketUnpriced] = boolean(e.Costing == fold.Unpriced)
		usage, cost := usageCounters(e.Usage), costCounters(e.Cost)
		copy(b[bucketUsage:], usage[:])
		copy(b[bucketCost:], cost[:])
	case protocol.ToolCall:
		k.name = clipLabel(orUnknown(e.Name))
	default:
		return k, b, false
	}
	b[bucketCount], b[bucketErrors] = 1, boolean(e.Failed)
	if d, ok := e.Duration(); e.Ended && ok {
		us := max(d.Microseconds(), 1)
		b[bucketDurations+min(bits.Len64(uint64(us))-1, durations-1)] = 1
	}
	return k, b, true
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func orUnknown(name string) string {
	if name == "" {
		return unknownName
	}
	return name
}

func (b *bucket) add(v *bucket) {
	for i := range b {
		b[i] += v[i]
	}
}

func (b *bucket) sub(v *bucket) {
	for i := range b {
		b[i] -= v[i]
	}
}

// result converts the row into a store.Rollup.
func (b *bucket) result(k bucketKey) store.Rollup {
	r := store.Rollup{
		Start: micros(k.start), Kind: k.kind, Model: k.name,
		Count: int(b[bucketCount]), Errors: int(b[bucketErrors]), Unpriced: int(b[bucketUnpriced]),
		Usage: usageOf(b[bucketUsage:]), Cost: costOf(b[bucketCost:]),
	}
	for i := range r.Durations {
		r.Durations[i] = int(b[bucketDurations+i])
	}
	return r
}

// listedAt returns the time by which lists order an entity: its start or, without one, the
// time at which it was first seen.
func listedAt(e *fold.Entity) time.Time {
	if e.Start.IsZero() {
		return e.Seen
	}
	return e.Start
}
