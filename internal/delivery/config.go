package delivery

import (
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/transport"
)

// Config configures a destination. Repository, Spool and Backend are required.
type Config struct {
	// Repository is the id of the log repository. It is the first part of the keys of uploads.
	Repository string
	// Spool holds the entries until they have an outcome. It belongs to the destination from
	// Start on; Close closes it.
	Spool *spool.Spool
	// Backend receives the entries. Its panics are contained and counted.
	Backend transport.Backend

	// BatchEntries and BatchBytes limit a batch; BatchBytes counts the lines and their
	// newlines. Defaults: DefaultBatchEntries and DefaultBatchBytes. A line longer than
	// BatchBytes is sent alone.
	BatchEntries, BatchBytes int
	// InFlight limits the number of batches in flight at the same time. Lines with the same
	// order key keep their order all the same. Default 1.
	InFlight int
	// Age is the age at which an entry is sent in a batch that is not full. 0 means at once. A
	// negative age means never: entries are sent when a batch is full, and by Flush and Close.
	Age time.Duration

	// Charge is called with the cost in bytes of records that the destination appends itself,
	// when it moves an entry within its spool. It is the counterpart of the spool's Release,
	// which will be called with the same cost. Nil means that such records cost nothing.
	Charge func(cost int64)
	// Report is called with each event, concurrently; it must not block. Nil means that events
	// are not reported.
	Report func(Event)
}

// Defaults of Config.
const (
	DefaultBatchEntries = 2000
	DefaultBatchBytes   = 4 << 20
)

// setDefaults replaces zero values by the defaults.
func (c *Config) setDefaults() {
	if c.BatchEntries <= 0 {
		c.BatchEntries = DefaultBatchEntries
	}
	if c.BatchBytes <= 0 {
		c.BatchBytes = DefaultBatchBytes
	}
	if c.InFlight <= 0 {
		c.InFlight = 1
	}
	if c.Report == nil {
		c.Report = func(Event) {}
	}
}

// EventKind is the kind of an Event.
type EventKind uint8

// The kinds of events.
const (
	// Failing: an attempt to send or upload failed with Event.Err and will be repeated. Each
	// failed attempt is reported, except for failures that only a person can fix, such as a wrong
	// key or a web page instead of an answer: those are reported once until Recovered.
	Failing EventKind = iota
	// Recovered: an attempt succeeded after others had failed.
	Recovered
	// Dead: an entry became a dead letter because of Event.Err.
	Dead
	// Dropped: entries were discarded for Event.Reason.
	Dropped
	// Stalled: the activity named by Event.Reason has made no progress since Event.Since. It is
	// reported once until it makes progress again.
	Stalled
	// Adopted: entries of a slot whose process died are now delivered by this process.
	Adopted
)

// Event is a report about a destination.
type Event struct {
	Kind    EventKind
	Entries int       // number of entries concerned
	Err     error     // of Failing and Dead; of Dropped if there is one
	Reason  string    // of Dropped; of Stalled the activity
	Since   time.Time // of Stalled
	Line    []byte    // of Dead, and of Dropped for a rejected entry: the line, unless it is in an upload
}
