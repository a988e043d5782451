package seglog

// EventKind distinguishes the events of a log.
type EventKind uint8

// The kinds of events.
const (
	Degraded    EventKind = iota + 1 // the disk does not accept records because of Err; with Reason "cursor", the cursor
	Restored                         // the disk accepts them again
	Damaged                          // Count records were lost to damage; if 0, the file Name is faulty because of Err, which alone loses nothing
	Dropped                          // Count records were dropped for Reason
	Quarantined                      // the file Name, or its end, was copied to quarantine because of Err
	Discarded                        // Count files left the quarantine because it is full
	Unknown                          // up to Count further records may have been lost to damage
)

// damage is the reason under which lost records are counted.
const damage = "damaged"

// Event is passed to Config.Report: something that an operator should know.
type Event struct {
	Kind   EventKind
	Reason string
	Count  int64
	Name   string
	Err    error
}

// report queues an event for unlock, which delivers it without the lock. Successive drops for
// one reason become one event. Callers must hold mu.
func (l *Log) report(e Event) {
	if n := len(l.events); n > 0 && e.Count > 0 {
		if last := &l.events[n-1]; last.Kind == e.Kind && last.Reason == e.Reason {
			last.Count += e.Count
			return
		}
	}
	l.events = append(l.events, e)
}
