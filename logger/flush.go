package logger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupelog/troupe/internal/brief"
	"github.com/troupelog/troupe/internal/delivery"
)

// maxPathShown limits paths in the text of an error, in bytes.
const maxPathShown = 256

// Sync waits until everything accepted before the call is safe: on disk and synced or, if
// the disk fails or with MemoryOnly, delivered. If ctx ends first it fails with an *Error
// with ErrNotDurable; nothing that is still kept is lost by that. It fails with ErrDropped
// if entries were dropped that no earlier Sync or Flush reported.
func (l *Logger) Sync(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.covered(ctx, ErrNotDurable, "sync", (*delivery.Destination).Sync)
}

// Flush sends everything accepted before the call and waits until every server has
// acknowledged it. If ctx ends first it fails with an *Error with ErrNotDelivered that says
// how many entries are pending; they are kept, and sending continues. Entries that a server
// refused for good do not make it fail: see Stats.Dead. It fails with ErrDropped if entries
// were dropped that no earlier Sync or Flush reported.
func (l *Logger) Flush(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.covered(ctx, ErrNotDelivered, "flush", (*delivery.Destination).Flush)
}

// covered calls wait for all destinations, once everything that earlier calls accepted has
// left the actors. operation is the name of the caller, for errors.
func (l *Logger) covered(
	ctx context.Context, reason error, operation string, wait func(*delivery.Destination, context.Context) error,
) error {
	ctx = orBackground(ctx)
	if err := l.actors.Dispatched(ctx); err != nil {
		return l.unfinished(reason, operation+" ended while entries were on their way from the calls to the spool", err)
	}
	if err := l.destinations.each(func(d *destination) error { return wait(d.sink, ctx) }); err != nil {
		return l.unfinished(reason, operation+" ended before it was done", err)
	}
	return l.dropped(operation)
}

// unfinished explains why a wait ended too early, and where the entries are. It does not look
// at dropped entries: a wait that succeeds later reports them.
func (l *Logger) unfinished(reason error, detail string, err error) error {
	entries, kept, text := l.remains(false)
	if text != "" {
		detail += ": " + text
	}
	cause := errors.Join(l.destinations.primary().sink.Health().Err, err)
	return &Error{Reason: reason, Entries: entries, Kept: kept, Detail: detail, Err: cause}
}

// dropped returns an error about the entries that were dropped since the last call, nil if
// there are none.
func (l *Logger) dropped(operation string) error {
	if n := l.unreported(); n > 0 {
		return &Error{Reason: ErrDropped, Entries: int(n), Detail: operation + " found them dropped; see Stats.DroppedBy"}
	}
	return nil
}

// remains counts the undelivered entries, reports whether all of them are kept, and
// describes where. With closed, entries that are not on disk are lost; otherwise sending
// continues.
func (l *Logger) remains(closed bool) (entries int, kept bool, text string) {
	var parts []string
	kept = true
	stats := l.Stats()
	for i, d := range l.destinations.list() {
		if i == len(stats.Destinations) {
			break // it was added a moment ago
		}
		pending, name := stats.Destinations[i].Pending, ""
		if d.added {
			name = " of the destination " + brief.Quote(d.cfg.ID)
		}
		entries += int(pending)
		safe := pending // Close has dropped the others
		if !closed {
			safe = d.onDisk(pending)
		}
		if safe > 0 {
			parts = append(parts, plural(safe, name)+d.whereabouts(closed))
		}
		if pending > safe {
			parts = append(parts, plural(pending-safe, name)+
				" in memory only, and lost if the program ends before they are delivered; sending continues")
		}
	}
	if !closed {
		return entries, kept, strings.Join(parts, "; ") // dropped entries are reported by a later call
	}
	if lost := l.unreported(); lost > 0 {
		entries, kept = entries+int(lost), false
		parts = append(parts, l.losses(lost)...)
	}
	return entries, kept, strings.Join(parts, "; ")
}

// losses describes the entries that were lost by Close, in two parts with different remedies:
// still in the actors when the time of Close was over, or in a destination without a disk.
func (l *Logger) losses(lost int64) (parts []string) {
	late := min(lost, l.actors.Counts().Lost)
	if late > 0 {
		parts = append(parts, plural(late, "")+" lost on the way from the calls to the spool: give Close more time")
	}
	if lost > late {
		parts = append(parts, plural(lost-late, "")+" lost, because "+l.noDisk())
	}
	return parts
}

// plural returns "1 entry OF is" or "N entries OF are".
func plural(n int64, of string) string {
	if n == 1 {
		return "1 entry" + of + " is"
	}
	return fmt.Sprintf("%d entries%s are", n, of)
}

// onDisk returns how many of the pending entries survive the end of the program.
func (d *destination) onDisk(pending int64) int64 {
	if d.spool.InMemory() || d.health().Spool != nil {
		return 0
	}
	account := d.sink.Counters()
	return min(pending, account.Spooled)
}

// whereabouts describes where entries on disk are. It continues "N entries are".
func (d *destination) whereabouts(closed bool) string {
	if closed {
		return " kept in " + brief.Cut(d.dir, maxPathShown) + " and will be delivered by the next run"
	}
	return " kept in " + brief.Cut(d.dir, maxPathShown) + ", also if the program ends; sending continues"
}

// place names the folder in which entries wait for the server, or memory. It looks only at
// the spool, because delivery.Start may call it before d.sink is set.
func (d *destination) place() string {
	if state := d.spool.Lines.State(); d.spool.InMemory() || state.Err != nil || state.Full {
		return "memory"
	}
	return brief.Cut(d.dir, maxPathShown)
}

// noDisk explains why entries were not on disk when the logger was closed, for the first
// destination that dropped any.
func (l *Logger) noDisk() string {
	for _, d := range l.destinations.list() {
		if account := d.sink.Counters(); sum(account.Dropped) == 0 {
			continue
		}
		h := d.health()
		switch {
		case d.cfg.Durability == MemoryOnly:
			return "with Durability: MemoryOnly nothing is kept on disk"
		case h.Full:
			return "the spool was full: free disk space, or raise Config.MaxSpoolBytes"
		case d.lost != nil || h.Spool != nil:
			return "the folder of the spool could not be written: see Config.SpoolDir"
		}
	}
	return "there was no time to write them to disk"
}

// unreported returns the number of entries that were dropped since the last call.
func (l *Logger) unreported() int64 {
	total := l.actors.Counts().Lost
	for _, d := range l.destinations.list() {
		for _, n := range d.sink.Counters().Dropped {
			total += n
		}
	}
	for {
		reported := l.destinations.reportedDrops.Load()
		if total <= reported {
			return 0
		}
		if l.destinations.reportedDrops.CompareAndSwap(reported, total) {
			return total - reported
		}
	}
}

// reasonsIn returns err without the parts that only count pending entries, which remains
// describes better.
func reasonsIn(err error) error {
	if !errors.Is(err, delivery.ErrPending) {
		return err
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var rest []error
	for _, part := range joined.Unwrap() {
		rest = append(rest, reasonsIn(part))
	}
	return errors.Join(rest...)
}
