// Package spool holds the queues between the writer, which appends finished
// lines, and a sender, which peeks at them, sends them and only then lets the
// writer discard them: nothing leaves a queue before the server acknowledged it.
package spool

import (
	"sync"
	"time"

	"github.com/troupelog/troupe/messages"
)

// Memory is a queue that lives as long as the process. Its bytes are bounded by
// the ledger, which admits entries before they come here and gives their room
// back when they are settled.
//
// One goroutine appends and discards (the writer), one takes (the sender).
type Memory struct {
	mu      sync.Mutex
	entries []item // guarded by mu; oldest first
	taken   int    // guarded by mu; how many of entries were handed out
	bytes   int    // guarded by mu; bytes of lines not handed out yet

	changed chan struct{} // capacity 1; signalled after Append
}

type item struct {
	entry messages.Entry
	at    time.Time
}

// NewMemory returns an empty queue.
func NewMemory() *Memory {
	return &Memory{changed: make(chan struct{}, 1)}
}

// Append adds entries at the end. The queue keeps the lines, not the slice.
func (m *Memory) Append(entries []messages.Entry) {
	now := time.Now()
	m.mu.Lock()
	for _, e := range entries {
		m.entries = append(m.entries, item{e, now})
		m.bytes += len(e.Line)
	}
	m.mu.Unlock()
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// Changed is signalled after entries were appended. Signals may be merged.
func (m *Memory) Changed() <-chan struct{} { return m.changed }

// Waiting describes what was appended and not taken: the number of entries, the
// bytes of their lines, and when the oldest came.
func (m *Memory) Waiting() (entries, bytes int, oldest time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.entries) - m.taken; n > 0 {
		return n, m.bytes, m.entries[m.taken].at
	}
	return 0, 0, time.Time{}
}

// Take appends to dst the oldest entries that were not taken yet: at most
// maxEntries, and at most maxBytes of lines and newlines, but always at least one
// if there is one. They stay in the queue until Discard.
func (m *Memory) Take(dst []messages.Entry, maxEntries, maxBytes int) []messages.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	size := 0
	for first := len(dst); m.taken < len(m.entries) && len(dst)-first < maxEntries; m.taken++ {
		e := m.entries[m.taken].entry
		if size += len(e.Line) + 1; size > maxBytes && len(dst) > first {
			break
		}
		m.bytes -= len(e.Line)
		dst = append(dst, e)
	}
	return dst
}

// Discard removes the n oldest entries, which must have been taken, and returns
// them in dst for their account.
func (m *Memory) Discard(dst []messages.Entry, n int) []messages.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	n = min(n, m.taken)
	for i := range n {
		dst = append(dst, m.entries[i].entry)
		m.entries[i] = item{}
	}
	m.entries = m.entries[n:]
	m.taken -= n
	if len(m.entries) == 0 {
		m.entries = nil // give the memory of a burst back
	}
	return dst
}

// Drain removes everything, taken or not, and returns it: what is left when the
// process gives up.
func (m *Memory) Drain() []messages.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := make([]messages.Entry, len(m.entries))
	for i, it := range m.entries {
		left[i] = it.entry
	}
	m.entries, m.taken, m.bytes = nil, 0, 0
	return left
}
