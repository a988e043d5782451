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

// Reasons of an *Error, for errors.Is.
var (
	// ErrUnauthorized is returned when the server refuses the key: 401, 402 or 403.
	ErrUnauthorized = errors.New("transport: the server refuses the API key")
	// ErrNoRepository is returned when the server does not know the repository: 404, or any
	// refusal of the repository check. A wrong base URL can look the same.
	ErrNoRepository = errors.New("transport: the server does not know the repository")
	// ErrUnreachable is returned when there was no answer, except after a cancel.
	ErrUnreachable = errors.New("transport: the server did not answer")
	// ErrUnsafeURL is returned when the server hands out an upload URL to which a file must not be
	// sent: one that is not https, or leads into a private network.
	ErrUnsafeURL = errors.New("transport: the upload URL is not safe to use")
	// ErrStorageRefused is returned when the storage refuses an upload with a 4xx other than 408,
	// 413, 425 and 429, or with a 2xx that reports an error. The URL may have expired; the next
	// attempt has a new one. The caller decides when a file has been refused too often.
	ErrStorageRefused = errors.New("transport: the storage refuses the upload")
	// ErrNoContent is returned when the content of a file cannot be read, or has not the length
	// File.Size. A new attempt at the same file fails in the same way.
	ErrNoContent = errors.New("transport: the content of the file is missing or not what was announced")
	// ErrRoundTripper is returned when Config.RoundTripper panicked or ended its goroutine,
	// as runtime.Goexit and t.FailNow do. The request may or may not have been made.
	ErrRoundTripper = errors.New("transport: the RoundTripper panicked or ended its goroutine")
)

// The values of Error.Op.
const (
	opSend       = "send"
	opRepository = "repository"
	opUpload     = "upload"
)

// Error is the type of every failure of a request. It contains no API key, no payload and no query
// values. For an upload it contains neither the key of the file nor the signed URL, except for the
// URL's origin. It is immutable.
type Error struct {
	// Op is the call that failed: "send", "repository" or "upload".
	Op string
	// Status is the HTTP status of the last answer; 0 if there was none, or if the failure has
	// nothing to do with it.
	Status int
	// Kind says how to go on. It is never OK.
	Kind Kind
	// RetryAfter is the wait for which a throttling server asked, between 250 ms and 5 minutes; 0
	// if it named none.
	RetryAfter time.Duration
	// Message is the message of the server or the network: one line of printable text of at most
	// 256 bytes, without any part of the request. It may be empty.
	Message string
	// Refused lists the refused lines of kind PartlyRefused, in the order of the batch. All other
	// lines are delivered if Unlisted is 0.
	Refused []RefusedLine
	// Unlisted is the number of lines that the server counts as refused and does not name. If it
	// is not 0, only the lines in Refused have an outcome. Send the others again in smaller
	// batches, under the same numbers: lines that were stored count as duplicates, and the rest
	// is refused and named.
	Unlisted int

	subject string  // the payload and the address, for people
	storage bool    // the failure is of the storage of files, not of the server
	unsent  bool    // the package itself stopped the request
	causes  []error // only values whose text is fixed
}

// Error implements error. The text names the payload, the failure and the remedy.
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

// Unwrap returns the causes for errors.Is: the reasons of this package, the end of a context, an
// unexpected end of data, a missing file, or the error number of the system. The original error is
// not kept, because its text may quote a URL or the server.
func (e *Error) Unwrap() []error { return e.causes }

// because adds a cause, unless it is nil.
func (e *Error) because(cause error) {
	if cause != nil {
		e.causes = append(e.causes, cause)
	}
}

// advice returns the remedy for the error, or "" if there is nothing to do but wait.
func (e *Error) advice() string {
	switch e.Kind {
	case Retry:
		if e.Status == 0 && !e.storage && !e.unsent {
			return "check that a server runs there"
		}
		return ""
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

// remedy returns the remedy for an error that only a person can fix.
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

// reason returns the sentinel for an answer, or nil. If refused is set, the answer was of kind
// Rejected.
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

// known returns the part of an error whose text is fixed, and therefore cannot quote anything, or
// nil.
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
