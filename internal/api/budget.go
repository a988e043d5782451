package api

import "sync/atomic"

// maxBodies limits the bytes of all log requests in memory at one time.
const maxBodies = 256 << 20

// budget is the memory that log requests share, in bytes.
type budget struct{ left atomic.Int64 }

// errBusy is answered when the budget is used up. Waiting instead could deadlock: requests
// that each hold a part of the budget would wait for one another.
var errBusy = &Error{"unavailable", "too many log requests are under way; send the lines again later"}

// share is one request's part of a budget. It grows with the bytes read, not the announced
// length, so slow clients hold little. It belongs to the goroutine of its request.
type share struct {
	budget *budget
	taken  int64
}

// take takes n bytes, or fails with errBusy if the budget is used up.
func (s *share) take(n int) error {
	s.taken += int64(n)
	if s.budget.left.Add(-int64(n)) < 0 {
		return errBusy
	}
	return nil
}

// giveBack gives back n of the bytes taken.
func (s *share) giveBack(n int) {
	s.budget.left.Add(int64(n))
	s.taken -= int64(n)
}

// release gives back all bytes taken.
func (s *share) release() {
	s.budget.left.Add(s.taken)
	s.taken = 0
}
