package delivery

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/messages"
)

// moveTimeout limits the wait until a job is durable in its new place. The goroutine that waits is
// the reader of that log, so no room comes free in the meantime.
const moveTimeout = 10 * time.Second

// move describes how entries change their place in the spool: a job goes to the end of its log, a
// job becomes a line, or a large line becomes a job.
type move struct {
	from  *seglog.Log
	upTo  uint64 // the items replace the oldest records of from, up to this number
	to    *seglog.Log
	items []seglog.Item     // Cost is the memory of the entry in addition to the item
	done  func(last uint64) // called with mu held; last is the number of the last item
}

// move moves entries so that none is lost whenever the process ends: the records are acknowledged
// only once the items are as safe as the records are. If the process ends in between, an entry may
// be delivered twice. It returns false if the records have stayed in their place.
func (d *drainer) move(ctx context.Context, m move) bool {
	if len(m.items) == 0 || len(m.items[len(m.items)-1].Data) > seglog.MaxData {
		return false
	}
	if m.from.State().Written < m.upTo {
		d.moveInMemory(m)
		return true
	}
	state := m.to.State()
	if m.to == d.spool.Uploads && (state.Full || state.Err != nil) {
		return false
	}
	last := d.appendItems(m)
	if !d.safe(ctx, m, last) || m.to.Closing() { // a log that is closing reports dropped items as safe
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := ack(m.from, m.upTo)
	m.done(last)
	// Records that were dropped in the meantime stay counted as dropped, and their items are new.
	d.dest.count(func(c *Counters) { c.Recovered += int64(len(m.items)) - n })
	return true
}

// moveInMemory moves records that are not on disk. It acknowledges first, because the items need
// the room of the records.
func (d *drainer) moveInMemory(m move) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Records may have been dropped, the oldest first; their items are not appended.
	n := ack(m.from, m.upTo)
	if m.items = m.items[len(m.items)-int(n):]; n > 0 {
		m.done(d.appendItems(m))
	}
}

// appendItems appends the items and returns the number of the last one. It charges for them,
// because the log will release their cost.
func (d *drainer) appendItems(m move) uint64 {
	sum := int64(0)
	for i := range m.items {
		item := &m.items[i]
		item.Cost += int64(len(item.Data)) + messages.EntryOverhead
		sum += item.Cost
	}
	if d.dest.cfg.Charge != nil {
		d.dest.cfg.Charge(sum)
	}
	return m.to.Append(m.items)
}

// safe waits until the items are durable. It waits a little longer than ctx, so that Close rarely
// leaves entries in two places. If it takes too long, jobs are marked as superseded, because this
// drainer will read them again.
func (d *drainer) safe(ctx context.Context, m move, last uint64) bool {
	ctx, stop := WithGrace(ctx, closeGrace/4)
	defer stop()
	if m.to == d.spool.Uploads {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, moveTimeout)
		defer cancel()
	}
	if m.to.Sync(ctx, last) == nil {
		return true
	}
	if m.to == d.spool.Uploads {
		d.mu.Lock()
		defer d.mu.Unlock()
		for i := range m.items {
			d.superseded[last-uint64(i)] = struct{}{}
		}
	}
	return false
}
