package logger

import (
	"cmp"
	"errors"
	"strings"

	"github.com/troupelog/troupe/internal/brief"
)

// Reasons of an *Error, for errors.Is.
var (
	// ErrInvalidID: an id is empty, longer than 1,024 bytes or holds other characters than
	// A-Z a-z 0-9 _ - . The call is logged under a safe id, see the package documentation. It
	// is rejected with Config.PanicOnMisuse, and if the id of a session to join is empty.
	ErrInvalidID = errors.New("invalid id")
	// ErrUnencodable: a value has no JSON form, contains itself, or would nest the line more
	// than 1,000 levels deep. It is left out; a call that carries nothing else is rejected.
	ErrUnencodable = errors.New("value cannot be encoded")
	// ErrTooLarge: an entry was over MaxEntryBytes or over Config.MaxBytes. Its largest values
	// are cut and the rest is logged (Error.Kept is true); the metadata troupe.cut of the
	// entity lists the cuts. An attachment of more than MaxAttachmentBytes is rejected, and so
	// is an entry for which Config.MaxBytes is too small in any case.
	ErrTooLarge = errors.New("entry too large")
	// ErrInvalidTime: a line cannot hold a time, because it is the zero time or its year in UTC
	// is not from 2 to 9999. A call that sets nothing else is rejected; in the field of a config
	// or of a call's data the time is ignored. A zero time in the field of a config is no error:
	// it means the default.
	ErrInvalidTime = errors.New("invalid time")
	// ErrClosed: the logger is closed. The call is rejected.
	ErrClosed = errors.New("logger closed")
	// ErrBackpressure: Config.MaxBytes of entries are accepted and undelivered, and no room came
	// free within Config.MaxWait. The call is rejected.
	ErrBackpressure = errors.New("too much undelivered")
	// ErrSpoolFull: the disk or Config.MaxSpoolBytes is full, and no room came free within
	// Config.MaxWait. The call is rejected.
	ErrSpoolFull = errors.New("spool full")
	// ErrMask: Config.Mask panicked. The call is rejected, because nothing is logged unmasked.
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
	// ErrUnknownResult: a generation's result has the form of no known provider. It is delivered
	// as given.
	ErrUnknownResult = errors.New("result of unknown form")

	// ErrDelivery: an attempt to deliver, of up to three requests, failed. It will be retried.
	ErrDelivery = errors.New("delivery failing")
	// ErrRefused: the server refused an entry for good.
	ErrRefused = errors.New("entry refused")
	// ErrNotDelivered: Flush or Close returned before everything was delivered.
	ErrNotDelivered = errors.New("not delivered")
	// ErrNotDurable: Sync, or a call with SyncEach, returned before everything was safe.
	ErrNotDurable = errors.New("not durable")
	// ErrDropped: accepted entries were dropped, for the reason in Detail.
	ErrDropped = errors.New("entries dropped")
	// ErrSpool: the spool cannot write entries at present; they are kept in memory.
	ErrSpool = errors.New("spool failing")
	// ErrStalled: a stage of the delivery makes no progress.
	ErrStalled = errors.New("delivery stalled")
	// ErrRepository: the server does not know the log repository, or the key is wrong.
	ErrRepository = errors.New("log repository not confirmed")
	// ErrPanic: a panic inside the logger was contained. Entries are delivered.
	ErrPanic = errors.New("panic contained")
	// ErrUnknownEntity: the entity of a Snapshot is not live in this process.
	ErrUnknownEntity = errors.New("entity is not live in this process")
)

// Limits of ids and causes in the text of an *Error, in bytes: both may quote a caller's
// text of any length.
const (
	maxNameShown  = 100
	maxCauseShown = 1024
)

// Error reports every failure of this package except a bad Config. It never contains a
// payload, a prompt or a key; of an id that a line cannot hold it quotes the first 64 bytes.
type Error struct {
	// Reason is one of the Err variables of this package; errors.Is finds it.
	Reason error
	// Destination is the log repository of the destination, "" for the primary one.
	Destination string
	// Entity, ID and Action describe the call, if the failure is about one. ID is the id in
	// lines: the safe form if another was given.
	Entity, ID, Action string
	// Detail explains the failure, and how to resolve it.
	Detail string
	// Entries is the number of entries concerned.
	Entries int
	// Kept is true if the entries are delivered anyway.
	Kept bool
	// Err is the cause, nil if there is none.
	Err error
	// Stack is the stack of the panic of an ErrPanic; it contains no values.
	Stack []byte
}

// Error describes the failure in one line. Long ids and causes are cut.
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
		// errors.Join separates its parts by line breaks.
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
	Reason string // the problem and its remedy
	Err    error  // the cause, nil if there is none

	of string // the type that has the field; "" means Config
}

// Error names the field, the problem and its remedy.
func (e *ConfigError) Error() string {
	return "troupe: " + cmp.Or(e.of, "Config") + "." + e.Field + " " + e.Reason
}

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }
