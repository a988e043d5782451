package logger

import (
	"cmp"
	"errors"
	"strings"

	"github.com/troupelog/troupe/internal/brief"
)

// Reasons of an *Error, for errors.Is.
var (
	// ErrInvalidID: an id is empty, longer than 1,024 bytes or holds something else than
	// A-Z a-z 0-9 _ - . The call is logged under a safe id, see the package text; it is
	// rejected with Config.PanicOnMisuse, and where an empty id names a session to join.
	ErrInvalidID = errors.New("invalid id")
	// ErrUnencodable: a value has no JSON form, holds itself, or would make the line be
	// nested more than 1,000 levels deep. It is left out; a call that carries nothing else is
	// rejected.
	ErrUnencodable = errors.New("value cannot be encoded")
	// ErrTooLarge: an entry was over MaxEntryBytes or over Config.MaxBytes. Its largest
	// values are cut, and the rest is logged (Error.Kept is true); the metadata troupe.cut of
	// the entity lists what was cut. An attachment of more than MaxAttachmentBytes, and an
	// entry for which Config.MaxBytes is too small in any case, are rejected.
	ErrTooLarge = errors.New("entry too large")
	// ErrInvalidTime: a time is the zero time, or its year in UTC is not from 2 to 9999, which
	// is what a line can say. A call that sets nothing else is rejected; in the field of a
	// config or of a call's data the time counts as not given. A zero time in the field of a
	// config is no error: it means the default.
	ErrInvalidTime = errors.New("invalid time")
	// ErrClosed: the logger is closed. The call is rejected.
	ErrClosed = errors.New("logger closed")
	// ErrBackpressure: Config.MaxBytes are accepted and undelivered, and no room came
	// free within Config.MaxWait. The call is rejected.
	ErrBackpressure = errors.New("too much undelivered")
	// ErrSpoolFull: the disk or Config.MaxSpoolBytes is full, and no room came free within
	// Config.MaxWait. The call is rejected.
	ErrSpoolFull = errors.New("spool full")
	// ErrMask: Config.Mask panicked. The call is rejected: nothing is logged unmasked.
	ErrMask = errors.New("masking failed")
	// ErrAttachment: the content of an attachment cannot be read or kept. The call is
	// rejected.
	ErrAttachment = errors.New("attachment incomplete")

	// ErrEnded: the entity was ended before. The entry is delivered.
	ErrEnded = errors.New("entity has ended")
	// ErrDuplicateID: the id was used before. The entry is delivered.
	ErrDuplicateID = errors.New("duplicate id")
	// ErrUnknownParent: the parent is not known in its trace. The entry is delivered.
	ErrUnknownParent = errors.New("unknown parent")
	// ErrUnknownResult: a generation's result has no known provider's form. It is
	// delivered as given.
	ErrUnknownResult = errors.New("result of unknown form")

	// ErrDelivery: an attempt to deliver, of up to three requests, failed and is made
	// again.
	ErrDelivery = errors.New("delivery failing")
	// ErrRefused: the server refused an entry for good.
	ErrRefused = errors.New("entry refused")
	// ErrNotDelivered: Flush or Close ended before everything was delivered.
	ErrNotDelivered = errors.New("not delivered")
	// ErrNotDurable: Sync, or a call with SyncEach, ended before everything was safe.
	ErrNotDurable = errors.New("not durable")
	// ErrDropped: accepted entries were given up, for the reason in Detail.
	ErrDropped = errors.New("entries dropped")
	// ErrSpool: the spool does not take entries at present; they are kept in memory.
	ErrSpool = errors.New("spool failing")
	// ErrStalled: a stage of the delivery makes no progress.
	ErrStalled = errors.New("delivery stalled")
	// ErrRepository: the server does not know the log repository, or could not say.
	ErrRepository = errors.New("log repository not confirmed")
	// ErrPanic: a panic inside the logger was contained. Entries are delivered.
	ErrPanic = errors.New("panic contained")
	// ErrUnknownEntity: Snapshot was asked for an entity that is not live here.
	ErrUnknownEntity = errors.New("entity is not live in this process")
)

// The longest ids and causes in bytes that the text of an *Error shows: both may quote
// what a caller gave, of any length.
const (
	maxNameShown  = 100
	maxCauseShown = 1024
)

// Error is what every failure of this package but a bad Config is reported as. It
// never holds a payload, a prompt or a key; of an id that cannot stand in a line it quotes
// the first 64 bytes.
type Error struct {
	// Reason is one of the Err values of this package; errors.Is finds it.
	Reason error
	// Destination is the log repository of the destination, "" for the primary one.
	Destination string
	// Entity, ID and Action say what the call was about, where there was one. ID is the id
	// in the lines: the safe one where another was given.
	Entity, ID, Action string
	// Detail says what exactly happened and what to do.
	Detail string
	// Entries is how many entries it is about.
	Entries int
	// Kept is true if the entries are delivered all the same.
	Kept bool
	// Err is the cause, if there is one.
	Err error
	// Stack is where the panic of an ErrPanic was; it holds no values.
	Stack []byte
}

// Error returns the whole story in one line, with long ids and causes cut.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("troupe: ")
	if e.Destination != "" {
		b.WriteString("destination " + brief.Cut(e.Destination, maxNameShown) + ": ")
	}
	if e.Entity != "" {
		b.WriteString(e.Entity)
		if e.ID != "" {
			b.WriteString(" " + brief.Cut(e.ID, maxNameShown))
		}
		if e.Action != "" {
			b.WriteString(" " + e.Action)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Reason.Error())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		// errors.Join puts its parts on lines of their own.
		b.WriteString(": " + strings.ReplaceAll(brief.Cut(e.Err.Error(), maxCauseShown), "\n", "; "))
	}
	return b.String()
}

// Unwrap returns the reason and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Err}
}

// ConfigError is returned by New for a Config that cannot be used, and by
// Logger.AddDestination for such a Destination.
type ConfigError struct {
	Field  string // the name of the field
	Reason string // the problem, and what to do about it
	Err    error  // the cause, nil if there is none

	of string // the type that has the field; "" means Config
}

// Error names the field, the problem and what to do about it.
func (e *ConfigError) Error() string {
	return "troupe: " + cmp.Or(e.of, "Config") + "." + e.Field + " " + e.Reason
}

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }
