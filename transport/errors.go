package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"
)

// Reasons a caller may want to tell apart, for errors.Is.
var (
	// ErrUnauthorized is returned when the server refuses the key: 401, 402 or 403.
	ErrUnauthorized = errors.New("transport: the server refuses the API key")
	// ErrNoRepository is returned when the server does not know the repository: 404, or
	// a refusal of the repository check. A wrong base URL can look the same.
	ErrNoRepository = errors.New("transport: the server does not know the repository")
	// ErrUnreachable is returned when no answer came at all, except after a cancel.
	ErrUnreachable = errors.New("transport: the server did not answer")
	// ErrUnsafeURL is returned when the server hands out an upload URL that a file must
	// not be sent to: one that is not https, or that leads into a private network.
	ErrUnsafeURL = errors.New("transport: the upload URL is not safe to use")
	// ErrStorageRefused is returned when the storage refuses an upload with a 4xx other
	// than 408, 413, 425 and 429, or a 2xx that reports an error. The URL may have expired, and the next attempt has a
	// new one; a file that is refused again and again is the caller's to give up.
	ErrStorageRefused = errors.New("transport: the storage refuses the upload")
	// ErrNoContent is returned when the content of a file cannot be had, or has another
	// length than its Size. A new attempt at the same file fails in the same way.
	ErrNoContent = errors.New("transport: the content of the file is missing or not what was announced")
	// ErrRoundTripper is returned when Config.RoundTripper panicked or ended its goroutine,
	// as runtime.Goexit and t.FailNow do. Whether the request was made is not known.
	ErrRoundTripper = errors.New("transport: the RoundTripper panicked or ended its goroutine")
)

// The values of Error.Op.
const (
	opSend       = "send"
	opRepository = "repository"
	opUpload     = "upload"
)

// Error is every failure of a request. It holds no key, no payload, no query, and of an
// upload neither the key of the file nor more of the signed URL than its origin.
type Error struct {
	// Op is the call that failed: "send", "repository" or "upload".
	Op string
	// Status is the HTTP status of the last answer, 0 where none came or where the
	// failure has nothing to do with one.
	Status int
	// Kind is what to do; never OK.
	Kind Kind
	// RetryAfter is how long a throttling server asked to wait, between 250 ms and 5
	// minutes; 0 where it did not say.
	RetryAfter time.Duration
	// Message is what the server or the network said: one line of printable text of at
	// most 256 bytes, without anything the request held. It may be empty.
	Message string
	// Refused names the lines that were refused, of kind PartlyRefused, in the order of
	// their places. All others of the batch are delivered if Unlisted is 0.
	Refused []RefusedLine
	// Unlisted is how many lines the server counts as refused and does not name. Which they
	// are is not known, so no line but those of Refused has an outcome then. Sent again in
	// smaller batches under the same numbers, lines that were stored count as duplicates
	// and the others are refused and named.
	Unlisted int

	subject string  // what was sent where, for people
	storage bool    // the storage of files is concerned, not the server
	unsent  bool    // the package itself gave up
	causes  []error // only values that cannot carry text from outside
}

// Error implements error: what happened, to what, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "transport: %s %s: ", e.Op, e.subject)
	switch {
	case e.unsent:
		b.WriteString("not sent")
	case e.Status != 0:
		fmt.Fprintf(&b, "status %d", e.Status)
	case e.Kind == Canceled:
		b.WriteString("canceled by the caller")
	default:
		b.WriteString("no answer")
	}
	if e.Message != "" {
		fmt.Fprintf(&b, " (%s)", e.Message)
	}
	if advice := e.advice(); advice != "" {
		b.WriteString(": " + advice)
	}
	return b.String()
}

// Unwrap returns what errors.Is can find: the reasons of this package, the end of a
// context, an unexpected end of data, a missing file, or the error number of the
// system. The original
// error is not kept, because its text may quote a URL or what the server sent.
func (e *Error) Unwrap() []error { return e.causes }

// because adds a cause, if there is one.
func (e *Error) because(cause error) {
	if cause != nil {
		e.causes = append(e.causes, cause)
	}
}

// advice says what to do about the error.
func (e *Error) advice() string {
	switch e.Kind {
	case Retry:
		if e.Status == 0 && !e.storage && !e.unsent {
			return "check that a server runs there"
		}
		return "" // nothing to do but to wait
	case Throttled:
		if e.RetryAfter > 0 {
			return "it asks to wait " + e.RetryAfter.String()
		}
		return ""
	case TooLarge:
		if e.Op == opUpload {
			return "a file of this size is not stored"
		}
		return "send fewer lines at once"
	case Rejected:
		if e.Op == opUpload {
			return "do not try this file again"
		}
		return "split the batch to find the line to blame"
	case Misconfigured:
		return e.remedy()
	case PartlyRefused:
		return "the other lines are stored, do not send the refused ones again"
	default:
		return ""
	}
}

// remedy says what a person should look at.
func (e *Error) remedy() string {
	switch {
	case errors.Is(e, ErrUnauthorized):
		return "check the API key and what its account may do"
	case errors.Is(e, ErrNoRepository):
		return "check the base URL and the repository id"
	case e.storage:
		return "check which storage the server hands out URLs of"
	case e.Status == 0:
		return "check the base URL and the certificates this machine trusts"
	case e.Status >= 300 && e.Status <= 399:
		return "redirects are not followed, set the base URL to where the server is"
	default:
		return "check the base URL and any proxy on the way"
	}
}

// reason returns the sentinel that describes an answer, nil where none does. Refused
// says that the answer was of kind Rejected.
func reason(op string, status int, refused bool) error {
	switch {
	case status == 0:
		return ErrUnreachable
	case status == 401 || status == 402 || status == 403:
		return ErrUnauthorized
	case status == 404 || op == opRepository && refused:
		return ErrNoRepository
	default:
		return nil
	}
}

// known reduces an error to values whose text is fixed.
func known(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	for _, fixed := range []error{
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
		fs.ErrNotExist, fs.ErrPermission, fs.ErrClosed, ErrRoundTripper,
	} {
		if errors.Is(err, fixed) {
			return fixed
		}
	}
	return nil
}
