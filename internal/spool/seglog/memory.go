package seglog

import "sort"

// entry is a record in memory.
type entry struct {
	seq  uint64
	data []byte
	cost int64
	at   int64 // of Append, nanoseconds since Log.clock.began
	kind Kind
	lane uint16
}

// ring is a queue of entries in the order of their numbers.
type ring struct {
	buf  []entry // the length is a power of two
	head int
	n    int
}

func (r *ring) at(i int) *entry { return &r.buf[(r.head+i)&(len(r.buf)-1)] }

func (r *ring) push(e entry) {
	if r.n == len(r.buf) {
		r.resize(max(2*len(r.buf), 64))
	}
	r.n++
	*r.at(r.n - 1) = e
}

// ringKept limits the entries for which an empty ring keeps memory.
const ringKept = 16 << 10

// pop removes the oldest entry. A ring that held many gives their memory back when it is
// empty.
func (r *ring) pop() entry {
	e := *r.at(0)
	*r.at(0) = entry{}
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.n--
	if r.n == 0 && len(r.buf) > ringKept {
		r.buf, r.head = nil, 0
	}
	return e
}

// resize moves the entries to a buffer of n, which must be a power of two and at least r.n.
func (r *ring) resize(n int) {
	buf := make([]entry, n)
	for i := range r.n {
		buf[i] = *r.at(i)
	}
	r.buf, r.head = buf, 0
}

// from returns the index of the first entry with a number of seq or more.
func (r *ring) from(seq uint64) int {
	return sort.Search(r.n, func(i int) bool { return r.at(i).seq >= seq })
}

// queue holds the records in memory that are not on disk: first those that the committer
// has taken to write or the reader has taken to send, then the rest. Only records of the
// rest may be dropped: nobody else refers to them.
type queue struct {
	taken, rest ring
	cost        int64 // of all
	data        int64 // bytes of all
	frames      int64 // bytes that the entries of rest are on disk, about
}

func (q *queue) len() int { return q.taken.n + q.rest.n }

// at returns the i-th entry, oldest first.
func (q *queue) at(i int) *entry {
	if i < q.taken.n {
		return q.taken.at(i)
	}
	return q.rest.at(i - q.taken.n)
}

// from returns the index of the first entry with a number of seq or more.
func (q *queue) from(seq uint64) int {
	if i := q.taken.from(seq); i < q.taken.n {
		return i
	}
	return q.taken.n + q.rest.from(seq)
}

// push appends an entry to the rest. Its number must be higher than all others.
func (q *queue) push(e entry) {
	q.rest.push(e)
	q.cost += e.cost
	q.data += int64(len(e.data))
	q.frames += int64(len(e.data)) + frameSize
}

// take marks the first n entries as taken.
func (q *queue) take(n int) {
	for q.taken.n < n {
		e := q.rest.pop()
		q.frames -= int64(len(e.data)) + frameSize
		q.taken.push(e)
	}
}

// drop removes the oldest entry that is not taken; there must be one.
func (q *queue) drop() entry {
	e := q.rest.pop()
	q.frames -= int64(len(e.data)) + frameSize
	q.removed(&e)
	return e
}

// done removes all entries up to seq and returns their cost.
func (q *queue) done(seq uint64) (cost int64) {
	before := q.cost
	for q.taken.n > 0 && q.taken.at(0).seq <= seq {
		e := q.taken.pop()
		q.removed(&e)
	}
	for q.rest.n > 0 && q.rest.at(0).seq <= seq {
		q.drop()
	}
	return before - q.cost
}

// removed subtracts an entry from the totals.
func (q *queue) removed(e *entry) {
	q.cost -= e.cost
	q.data -= int64(len(e.data))
}
