package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
)

// Kind is what a caller must do about the answer to a batch, or to an upload.
type Kind uint8

// The kinds, each with the answers of the server that lead to it. For a file, read file
// instead of batch; it cannot be split. A refusal by its storage is of kind Retry.
const (
	// OK: any 2xx whose body reports no error. The batch is delivered.
	OK Kind = iota
	// Retry: 408, 425, 5xx, and every failure of the network. Send the same batch again
	// after Backoff, for ever.
	Retry
	// Throttled: 429, and 503 with a Retry-After. Send the same batch again after
	// Backoff with Error.RetryAfter.
	Throttled
	// TooLarge: 413. Send fewer lines at once; for a single line, as Rejected.
	TooLarge
	// Rejected: 400, 422, any other 4xx, and a 2xx whose body reports an error. Split
	// the batch until the line to blame stands alone.
	Rejected
	// Misconfigured: 401, 402, 403, 404, 405, 407, 410, 1xx, 3xx, and a server that
	// fails TLS verification or speaks no TLS. No batch can be to blame: keep all, tell
	// somebody, and try again after Pause.
	Misconfigured
	// Canceled: the caller's context ended before an answer came. The batch may have
	// been delivered.
	Canceled
)

var kindNames = [...]string{"ok", "retry", "throttled", "too large", "rejected", "misconfigured", "canceled"}

// String returns the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Classify is the whole policy: it tells what to do from one answer. Status is 0
// when no answer came, and err then says why. An err beside a status means that the
// body broke off; that matters only where the body decides, on a 2xx: whether the
// batch arrived is unknown then, so it is sent again.
//
// A context.DeadlineExceeded counts as a timeout of the network, because timeouts of
// the net package claim to be one; whose deadline it was only the caller can know.
func Classify(status int, header http.Header, body []byte, err error) Kind {
	switch {
	case status == 0:
		return classifyFailure(err)
	case status >= 200 && status <= 299:
		return classifySuccess(body, err)
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return Retry
	case http.StatusTooManyRequests:
		return Throttled
	case http.StatusServiceUnavailable:
		if _, ok := RetryAfter(header, clockless); ok {
			return Throttled
		}
		return Retry
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusGone:
		return Misconfigured
	}
	switch {
	case status >= 500:
		return Retry
	case status >= 400:
		return Rejected
	default:
		return Misconfigured
	}
}

func classifySuccess(body []byte, err error) Kind {
	switch {
	case reportsError(body):
		return Rejected
	case err != nil:
		return Retry
	default:
		return OK
	}
}

func classifyFailure(err error) Kind {
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.As(err, &unverified), errors.Is(err, http.ErrSchemeMismatch):
		return Misconfigured
	default:
		return Retry
	}
}

// reportsError reports whether a body is a JSON object with a top-level "error" other
// than null or false. Everything else is no report: nothing, OK, null, a list, text.
// The body may be cut off at its end; an "error" whose value is cut off counts.
func reportsError(body []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		err = dec.Decode(&value)
		if key == "error" {
			if text := string(value); err != nil || text != "null" && text != "false" {
				return true
			}
		}
		if err != nil {
			return false
		}
	}
	return false
}
