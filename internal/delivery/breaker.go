package delivery

import "sync"

const (
	windowSize = 1000
	// mostDead is how many of the entries in the window may be dead letters.
	mostDead = windowSize / 5
)

// breaker remembers the outcomes of the last entries, to tell bad entries from a bad
// server. Its methods may be called concurrently.
type breaker struct {
	mu   sync.Mutex
	dead [windowSize]bool // guarded by mu; a ring
	at   int              // guarded by mu; where the next outcome goes
	sum  int              // guarded by mu; how many of the ring are dead
}

// delivered notes that n entries were delivered.
func (b *breaker) delivered(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n >= windowSize {
		b.clear()
		return
	}
	for range n {
		b.note(false)
	}
}

// condemn notes a dead letter and returns true, if there may be one more. Otherwise it
// returns false, and the window starts anew, so that nothing is stuck for ever.
func (b *breaker) condemn() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	after := b.sum + 1
	if b.dead[b.at] {
		after--
	}
	if after > mostDead {
		b.clear()
		return false
	}
	b.note(true)
	return true
}

// note needs mu.
func (b *breaker) note(dead bool) {
	if b.dead[b.at] {
		b.sum--
	}
	if dead {
		b.sum++
	}
	b.dead[b.at] = dead
	b.at = (b.at + 1) % windowSize
}

// clear needs mu.
func (b *breaker) clear() { b.dead, b.at, b.sum = [windowSize]bool{}, 0, 0 }
