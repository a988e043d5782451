package delivery

import (
	"cmp"
	"errors"
	"slices"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

// outcome counts what became of n entries.
type outcome func(a *Account, n int64)

func delivered(a *Account, n int64) { a.Delivered += n }
func dead(a *Account, n int64)      { a.Dead += n }
func lost(a *Account, n int64)      { a.Dropped[unburied] += n }

// finished is records of the lines that have an outcome, while others before them have
// none: what is acknowledged has no gaps.
type finished struct {
	from, to uint64
	outcome  outcome
}

// settle notes the outcome of records of the lines, and acknowledges what it can.
func (l *lane) settle(records []seglog.Record, what outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(records) > 0 {
		n := consecutive(records)
		l.ahead = append(l.ahead, finished{records[0].Seq, records[n-1].Seq, what})
		records = records[n:]
	}
	slices.SortFunc(l.ahead, func(a, b finished) int { return cmp.Compare(a.from, b.from) })
	l.catchUpLocked()
}

// catchUp acknowledges what stands next and is settled.
func (l *lane) catchUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.catchUpLocked()
}

func (l *lane) catchUpLocked() {
	log := l.spool.Lines
	i := 0
	for ; i < len(l.ahead) && l.ahead[i].from <= log.Next(); i++ {
		n := ack(log, l.ahead[i].to)
		l.sink.count(func(a *Account) { l.ahead[i].outcome(a, n) })
	}
	l.ahead = slices.Delete(l.ahead, 0, i)
}

// unsettled returns those of the records that have no outcome. They stay in their order,
// and in the memory of records.
func (l *lane) unsettled(records []seglog.Record) []seglog.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ahead) == 0 {
		return records
	}
	return slices.DeleteFunc(records, func(r seglog.Record) bool {
		i, exact := slices.BinarySearchFunc(l.ahead, r.Seq, func(f finished, seq uint64) int { return cmp.Compare(f.from, seq) })
		return exact || i > 0 && r.Seq <= l.ahead[i-1].to
	})
}

// delivered notes that the server has the records.
func (l *lane) delivered(records []seglog.Record) {
	l.settle(records, delivered)
	l.sink.breaker.delivered(len(records))
}

// bury makes a record a dead letter. One that cannot be stored is dropped: the server
// does not want it, and it must not hold up the others.
func (l *lane) bury(log *seglog.Log, r seglog.Record, cause error) {
	err := l.spool.Dead(spool.Letter{
		Origin: r.Origin, Seq: r.Seq, Kind: r.Kind, Status: statusOf(cause), Reason: cause.Error(), Data: r.Data,
	})
	what, event := dead, Event{Kind: Dead, Entries: 1, Err: cause}
	if err != nil {
		what, event = lost, Event{Kind: Dropped, Entries: 1, Reason: unburied, Err: errors.Join(cause, err)}
	}
	if r.Kind == seglog.Line {
		event.Line = r.Data
	}
	l.sink.report(event) // first, so that who waits for the outcome finds it reported
	if log == l.spool.Lines {
		l.settle([]seglog.Record{r}, what)
	} else {
		l.acknowledge(log, r.Seq, what)
	}
}
