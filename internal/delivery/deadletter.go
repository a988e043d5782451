package delivery

import (
	"errors"
	"sync"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

// notStored is the reason under which rejected entries are counted that could not be stored as
// dead letters.
const notStored = "dead letter not stored"

// deadLetter makes a record a dead letter. One that cannot be stored is dropped: the server does
// not want it, and it must not hold up the others.
func (d *drainer) deadLetter(log *seglog.Log, r seglog.Record, cause error) {
	err := d.spool.Dead(spool.Letter{
		Origin: r.Origin, Seq: r.Seq, Kind: r.Kind, Status: statusOf(cause), Reason: cause.Error(), Data: r.Data,
	})
	count, event := countDead, Event{Kind: Dead, Entries: 1, Err: cause}
	if err != nil {
		count, event = countLost, Event{Kind: Dropped, Entries: 1, Reason: notStored, Err: errors.Join(cause, err)}
	}
	if r.Kind == seglog.Line {
		event.Line = r.Data
	}
	d.dest.report(event) // first, so that whoever waits for the outcome finds it reported
	if log == d.spool.Lines {
		d.settle([]seglog.Record{r}, count)
	} else {
		d.acknowledge(log, r.Seq, count)
	}
}

// A breaker looks at the outcomes of the last windowSize entries. At most maxDead of them may be
// dead letters.
const (
	windowSize = 1000
	maxDead    = windowSize / 5
)

// breaker distinguishes bad entries from a bad server: a new version of a server, or a proxy, may
// reject everything, and then a spool full of good entries must not become dead letters. Its
// methods may be called concurrently.
type breaker struct {
	mu   sync.Mutex
	dead [windowSize]bool // guarded by mu; a ring of outcomes
	at   int              // guarded by mu; index of the next outcome
	sum  int              // guarded by mu; dead letters in the ring
}

// delivered records n entries that were delivered.
func (b *breaker) delivered(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n >= windowSize {
		b.clear()
		return
	}
	for range n {
		b.record(false)
	}
}

// allow reports whether there may be one more dead letter, and records it. When it returns
// false the window starts anew, so that the entry is not stuck for ever.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	after := b.sum + 1
	if b.dead[b.at] {
		after--
	}
	if after > maxDead {
		b.clear()
		return false
	}
	b.record(true)
	return true
}

// record adds an outcome. Callers must hold mu.
func (b *breaker) record(dead bool) {
	if b.dead[b.at] {
		b.sum--
	}
	if dead {
		b.sum++
	}
	b.dead[b.at] = dead
	b.at = (b.at + 1) % windowSize
}

// clear forgets all outcomes. Callers must hold mu.
func (b *breaker) clear() { b.dead, b.at, b.sum = [windowSize]bool{}, 0, 0 }
