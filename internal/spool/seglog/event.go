package seglog

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	Degraded    EventKind = iota + 1 // Err: the disk does not take records (or, with Reason "cursor", the cursor)
	Restored                         // it does again
	Damaged                          // Count records were lost to damage; if 0, Name is not what it should be because of Err, and nothing is lost by that alone
	Dropped                          // Count records were dropped for Reason
	Quarantined                      // Name, or what was at its end, was copied to quarantine because of Err
	Discarded                        // Count files left the quarantine because it is full
	Unknown                          // nobody can say whether up to Count records more were lost to damage
)

// damage is the reason under which lost records are counted.
const damage = "damaged"

// Event is something that a person should hear about.
type Event struct {
	Kind   EventKind
	Reason string
	Count  int64
	Name   string
	Err    error
}

// report keeps an event for unlock; successive drops for one reason become one event.
// The caller holds mu.
func (l *Log) report(e Event) {
	if n := len(l.events); n > 0 && e.Count > 0 {
		if last := &l.events[n-1]; last.Kind == e.Kind && last.Reason == e.Reason {
			last.Count += e.Count
			return
		}
	}
	l.events = append(l.events, e)
}
