package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Kind is what a caller must do about the answer to a batch, or to an upload.
type Kind uint8

// The kinds, each with the answers of the server that lead to it. For a file, read file
// instead of batch; it cannot be split. A refusal by its storage is of kind Retry.
const (
	// OK: a 2xx whose body is a JSON object that reports no error. The batch is delivered.
	OK Kind = iota
	// Retry: 408, 425, 5xx, and every failure of the network. Send the same batch again
	// after Backoff, for ever.
	Retry
	// Throttled: 429, and 503 with a Retry-After. Send the same batch again after
	// Backoff with Error.RetryAfter.
	Throttled
	// TooLarge: 413. Send fewer lines at once; for a single line, as Rejected.
	TooLarge
	// Rejected: 400, 422, any other 4xx, and a 2xx whose body is a JSON object that reports
	// an error: an "error" other than null and false, "errors" that are not empty, or a
	// "success" that is false. Split the batch until the line to blame stands alone.
	Rejected
	// Misconfigured: 401, 402, 403, 404, 405, 407, 410, 1xx, 3xx, a 2xx whose body is no
	// JSON object (an empty one, a web page), and a server that fails TLS verification or
	// speaks no TLS. No batch can be to blame: keep all, tell somebody, and try again
	// after Pause.
	Misconfigured
	// Canceled: the caller's context ended before an answer came. The batch may have
	// been delivered.
	Canceled
	// PartlyRefused: a 2xx of a collector that counts some lines of the batch as refused.
	// All others are delivered. Error.Refused names the refused lines; where
	// Error.Unlisted is not 0, send parts of the batch again until it is. Only Send
	// returns it, never Classify.
	PartlyRefused
)

var kindNames = [...]string{"ok", "retry", "throttled", "too large", "rejected", "misconfigured", "canceled", "partly refused"}

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
	object, refusal := readObject(body)
	switch {
	case refusal:
		return Rejected
	case err != nil:
		return Retry
	case !object:
		return Misconfigured
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

// readObject reports whether a body is one whole JSON object, and whether it reports at
// its top level that nothing was taken. The body may be cut off: what is in front of the
// cut counts, and so does a report whose value is cut off.
func readObject(body []byte) (object, refusal bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return false, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return false, refusal
		}
		var value json.RawMessage
		err = dec.Decode(&value)
		refusal = refusal || isRefusal(key, string(value), err == nil)
		if err != nil {
			return false, refusal
		}
	}
	if _, err := dec.Token(); err != nil {
		return false, refusal // the object is cut off
	}
	_, err := dec.Token()
	return errors.Is(err, io.EOF), refusal
}

// isRefusal reports whether a member of an answer says that nothing was taken. A value
// that is not whole is one of which the beginning alone is known to be there.
func isRefusal(key json.Token, value string, whole bool) bool {
	switch key {
	case "error":
		return !whole || value != "null" && value != "false"
	case "errors":
		return !whole || !slices.Contains([]string{"null", "false", "0", `""`, "[]", "{}"}, compacted(value))
	case "success":
		return whole && value == "false"
	default:
		return false
	}
}

// compacted returns a JSON value without the space that an empty list or object may hold.
func compacted(value string) string {
	return strings.Join(strings.Fields(value), "")
}
