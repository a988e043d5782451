package logger

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupelog/troupe/internal/brief"
	"github.com/troupelog/troupe/internal/delivery"
)

// maxPathShown is the longest path in bytes that an error shows.
const maxPathShown = 256

// remains says what became of the entries that are not delivered: how many they are,
// whether all of them are kept, and in words where. closed says that this is the end: what
// is not on disk is lost then. Before, sending goes on.
func (l *Logger) remains(closed bool) (entries int, kept bool, text string) {
	var parts []string
	kept = true
	stats := l.Stats()
	for i, d := range *l.destinations.Load() {
		pending, name := stats.Pending, ""
		if d.extra {
			if i > len(stats.Sinks) {
				continue // it was added a moment ago
			}
			pending, name = stats.Sinks[i-1].Pending, " of the sink "+brief.Quote(d.cfg.ID)
		}
		entries += int(pending)
		safe := pending // Close has given up what is not on disk
		if !closed {
			safe = d.onDisk(pending)
		}
		if safe > 0 {
			parts = append(parts, plural(safe, name)+d.whereabouts(closed))
		}
		if pending > safe {
			parts = append(parts, plural(pending-safe, name)+" in memory only, and lost if the program ends before they are delivered; sending goes on")
		}
	}
	if !closed {
		return entries, kept, strings.Join(parts, "; ") // a later call says what was dropped
	}
	if lost := l.unreported(); lost > 0 {
		entries, kept = entries+int(lost), false
		late := min(lost, l.actors.Counts().Lost)
		if late > 0 {
			parts = append(parts, plural(late, "")+" lost on the way from the calls to the spool: give Close more time")
		}
		if lost > late {
			parts = append(parts, plural(lost-late, "")+" lost, because "+l.noDisk())
		}
	}
	return entries, kept, strings.Join(parts, "; ")
}

// plural returns "1 entry OF is" or "N entries OF are".
func plural(n int64, of string) string {
	if n == 1 {
		return "1 entry" + of + " is"
	}
	return fmt.Sprintf("%d entries%s are", n, of)
}

// onDisk returns how many of the pending entries of the destination outlive the program.
func (d *destination) onDisk(pending int64) int64 {
	if d.spool.InMemory() || d.health().Spool != nil {
		return 0
	}
	account := d.sink.Counters()
	return min(pending, account.Spooled)
}

// whereabouts says where entries that outlive the program are, as what follows "N entries
// are".
func (d *destination) whereabouts(closed bool) string {
	if closed {
		return " kept in " + brief.Cut(d.dir, maxPathShown) + " and will be delivered by the next run"
	}
	return " kept in " + brief.Cut(d.dir, maxPathShown) + ", also if the program ends; sending goes on"
}

// place names where entries wait for the server. It looks at the spool alone: the sink
// asks while it is made.
func (d *destination) place() string {
	if state := d.spool.Lines.State(); d.spool.InMemory() || state.Err != nil || state.Full {
		return "memory"
	}
	return brief.Cut(d.dir, maxPathShown)
}

// noDisk says why entries were not on disk when the logger was closed: of the first
// destination that gave up any.
func (l *Logger) noDisk() string {
	for _, d := range *l.destinations.Load() {
		if account := d.sink.Counters(); sum(account.Dropped) == 0 {
			continue
		}
		h := d.health()
		switch {
		case d.cfg.Durability == Memory:
			return "with Durability: Memory nothing is kept on disk"
		case h.Full:
			return "the spool was full: free disk space, or raise Config.MaxSpoolBytes"
		case d.lost != nil || h.Spool != nil:
			return "the folder of the spool could not be written: see Config.SpoolDir"
		}
	}
	return "there was no time to write them to disk"
}

// unreported returns the number of entries that were dropped since it was last called.
func (l *Logger) unreported() int64 {
	total := l.actors.Counts().Lost
	for _, d := range *l.destinations.Load() {
		for _, n := range d.sink.Counters().Dropped {
			total += n
		}
	}
	for {
		told := l.told.Load()
		if total <= told {
			return 0
		}
		if l.told.CompareAndSwap(told, total) {
			return total - told
		}
	}
}

// reasonsIn returns err without the parts that only count what is pending: remains says it
// in the reader's words.
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
