package delivery

import (
	"time"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/transport"
)

// Config says what a sink delivers, and where. Repository, Spool and Backend are
// required.
type Config struct {
	// Repository is the id of the log repository: the first part of the keys of uploads.
	Repository string
	// Spool is where entries wait. It belongs to the sink from Start on; Close closes it.
	Spool *spool.Spool
	// Backend receives the entries. Its panics are contained and counted.
	Backend transport.Backend

	// BatchEntries and BatchBytes bound a batch; the second counts the lines and their
	// newlines. Defaults: DefaultBatchEntries and DefaultBatchBytes. A line over
	// BatchBytes is sent alone.
	BatchEntries, BatchBytes int
	// InFlight is how many batches may be under way at once. Lines of one lane keep their
	// order all the same. Default 1.
	InFlight int
	// Age is how old an entry becomes before it is sent in a batch that is not full; 0 is
	// at once, negative is never: then entries leave when a batch is full and on Flush
	// and Close.
	Age time.Duration

	// Charge is told the cost of records that the sink appends by itself, when it moves
	// an entry from one place of its spool to another. It is the counterpart of the
	// spool's Release, which will be told the same cost. Nil: such records cost nothing.
	Charge func(cost int64)
	// Report is told of events. It is called concurrently and must not block. Default:
	// nobody is told.
	Report func(Event)
}

// Defaults of Config.
const (
	DefaultBatchEntries = 2000
	DefaultBatchBytes   = 4 << 20
)

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

// EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	// Failing: an attempt to send or to upload failed for Event.Err. It will be repeated.
	// Each failed attempt is reported, but what only a person can mend, such as a wrong key
	// or a web page in place of an answer, once until Recovered.
	Failing EventKind = iota
	// Recovered: an attempt succeeded after others had failed.
	Recovered
	// Dead: an entry became a dead letter, for Event.Err.
	Dead
	// Dropped: entries were given up, for Event.Reason.
	Dropped
	// Stalled: the stage that Event.Reason names has made no progress since Event.Since.
	// It is told once until it makes progress again.
	Stalled
	// Adopted: entries that another process had left are now delivered by this one.
	Adopted
)

// Event is something that happened to a sink.
type Event struct {
	Kind    EventKind
	Entries int       // that it happened to
	Err     error     // of Failing and Dead; of Dropped, where there is one
	Reason  string    // of Dropped; of Stalled, the stage
	Since   time.Time // of Stalled
	Line    []byte    // of Dead, and of Dropped for a refused entry: the line, unless it is in an upload
}
