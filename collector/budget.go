package collector

import "sync/atomic"

// maxBodies bounds the bytes of all log requests that are in memory at one time.
const maxBodies = 256 << 20

// budget is bytes of memory that requests share.
type budget struct{ left atomic.Int64 }

// errBusy is answered when the budget is used up. Waiting for room would let
// requests that each hold a part of it wait for one another.
var errBusy = &Error{"unavailable", "too many log requests are under way; send the lines again later"}

// share is what one request takes of a budget: as much as it has read, not as much
// as it announced, so that slow clients hold little.
type share struct {
	budget *budget
	taken  int64
}

// take takes bytes, or fails with errBusy if the budget is used up.
func (s *share) take(n int) error {
	s.taken += int64(n)
	if s.budget.left.Add(-int64(n)) < 0 {
		return errBusy
	}
	return nil
}

// giveBack gives back n of the bytes that were taken.
func (s *share) giveBack(n int) {
	s.budget.left.Add(int64(n))
	s.taken -= int64(n)
}

// release gives back what was taken.
func (s *share) release() {
	s.budget.left.Add(s.taken)
	s.taken = 0
}
