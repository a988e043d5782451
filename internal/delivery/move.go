package delivery

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/messages"
)

// moveTimeout is how long a job waits to be durable in its new place. The place is the
// log of the goroutine that waits, which makes no room in the meantime.
const moveTimeout = 10 * time.Second

// move says how entries change their place in the spool.
type move struct {
	from  *seglog.Log
	upTo  uint64 // of from: items replace the oldest records, up to this number
	to    *seglog.Log
	items []seglog.Item     // Cost is what the entry holds in memory beside the item
	done  func(last uint64) // called with mu held; last is the number of the last item
}

// move moves entries so that none is lost whenever the process ends: the records are
// acknowledged once the items are as safe as they are. An entry may come twice if the
// process ends in between. It returns false if the records are still where they were.
func (l *lane) move(ctx context.Context, m move) bool {
	if len(m.items) == 0 || len(m.items[len(m.items)-1].Data) > seglog.MaxData {
		return false
	}
	if m.from.State().Written < m.upTo {
		l.moveInMemory(m)
		return true
	}
	state := m.to.State()
	if m.to == l.spool.Uploads && (state.Full || state.Err != nil) {
		return false
	}
	last := l.appendOwn(m)
	if !l.safe(ctx, m, last) || m.to.Closing() { // what a log drops while it closes counts as safe
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := ack(m.from, m.upTo)
	m.done(last)
	// What was dropped meanwhile counts as such, and lives on all the same.
	l.sink.count(func(a *Account) { a.Recovered += int64(len(m.items)) - n })
	return true
}

// moveInMemory moves records that no disk has: room first.
func (l *lane) moveInMemory(m move) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The oldest are dropped first; what is dropped stays so.
	n := ack(m.from, m.upTo)
	if m.items = m.items[len(m.items)-int(n):]; n > 0 {
		m.done(l.appendOwn(m))
	}
}

// appendOwn appends the items, which must be charged for since they will be released.
func (l *lane) appendOwn(m move) uint64 {
	sum := int64(0)
	for i := range m.items {
		item := &m.items[i]
		item.Cost += int64(len(item.Data)) + messages.EntryOverhead
		sum += item.Cost
	}
	if l.sink.cfg.Charge != nil {
		l.sink.cfg.Charge(sum)
	}
	return m.to.Append(m.items)
}

// safe waits until the items are durable, a little longer than ctx, so that the end of
// the sink does not leave them in two places. If it takes too long they are void, where
// it is a reader of this lane who would meet them.
func (l *lane) safe(ctx context.Context, m move, last uint64) bool {
	ctx, stop := Longer(ctx, closeGrace/4)
	defer stop()
	if m.to == l.spool.Uploads {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, moveTimeout)
		defer cancel()
	}
	if m.to.Sync(ctx, last) == nil {
		return true
	}
	if m.to == l.spool.Uploads {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range m.items {
			l.void[last-uint64(i)] = struct{}{}
		}
	}
	return false
}
