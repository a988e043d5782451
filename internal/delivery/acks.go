package delivery

import (
	"cmp"
	"slices"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// tally counts the outcome of n entries.
type tally func(c *Counters, n int64)

// The outcomes of an entry that was sent.
func countDelivered(c *Counters, n int64) { c.Delivered += n }
func countDead(c *Counters, n int64)      { c.Dead += n }
func countLost(c *Counters, n int64)      { c.Dropped[notStored] += n }

// ackedRange is a range of line numbers that have an outcome while lines before them have none.
// They cannot be acknowledged yet, because the cursor of a log has no gaps.
type ackedRange struct {
	from, to uint64 // inclusive
	tally    tally
}

// settle records the outcome of lines and acknowledges as many lines as it can. Several senders
// may call it at the same time, each for its own lines.
func (d *drainer) settle(records []seglog.Record, count tally) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(records) > 0 {
		n := consecutive(records)
		d.ackedOutOfOrder = append(d.ackedOutOfOrder, ackedRange{records[0].Seq, records[n-1].Seq, count})
		records = records[n:]
	}
	slices.SortFunc(d.ackedOutOfOrder, func(a, b ackedRange) int { return cmp.Compare(a.from, b.from) })
	d.catchUpLocked()
}

// catchUp acknowledges the lines that have an outcome and follow the cursor. Lines that were
// dropped move the cursor too, so there may be some whenever a batch is read.
func (d *drainer) catchUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.catchUpLocked()
}

// catchUpLocked is catchUp for callers that hold mu. It counts an outcome only for lines that were
// not dropped before.
func (d *drainer) catchUpLocked() {
	log := d.spool.Lines
	i := 0
	for ; i < len(d.ackedOutOfOrder) && d.ackedOutOfOrder[i].from <= log.Next(); i++ {
		n := ack(log, d.ackedOutOfOrder[i].to)
		d.dest.count(func(c *Counters) { d.ackedOutOfOrder[i].tally(c, n) })
	}
	d.ackedOutOfOrder = slices.Delete(d.ackedOutOfOrder, 0, i)
}

// withoutOutcome returns the records that have no outcome, in their order: lines behind a gap are
// read again with the gap, and must not be sent again. It reuses the memory of records.
func (d *drainer) withoutOutcome(records []seglog.Record) []seglog.Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	ranges := d.ackedOutOfOrder
	if len(ranges) == 0 {
		return records
	}
	byFrom := func(r ackedRange, seq uint64) int { return cmp.Compare(r.from, seq) }
	return slices.DeleteFunc(records, func(r seglog.Record) bool {
		i, exact := slices.BinarySearchFunc(ranges, r.Seq, byFrom)
		return exact || i > 0 && r.Seq <= ranges[i-1].to
	})
}

// delivered records that the server has accepted lines.
func (d *drainer) delivered(records []seglog.Record) {
	d.settle(records, countDelivered)
	d.dest.breaker.delivered(len(records))
}

// acknowledge acknowledges the records of a log up to a number, and counts those that had not
// been dropped before. It does both under mu: whoever waits for the acknowledgement and then takes
// mu finds them counted.
func (d *drainer) acknowledge(log *seglog.Log, to uint64, count tally) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := ack(log, to)
	d.dest.count(func(c *Counters) { count(c, n) })
}

// ack acknowledges the records of a log up to a number and returns how many of them had not been
// dropped before. Only one goroutine may acknowledge records of a log at a time.
func ack(log *seglog.Log, to uint64) int64 {
	before := acked(log.State())
	log.Ack(to)
	return acked(log.State()) - before
}

// acked returns the number of records that were acknowledged, up to a constant of the log.
func acked(s seglog.State) int64 { return int64(s.Appended) - s.Unacked - total(s.Dropped) }
