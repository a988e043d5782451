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

// Kind says how to go on after an answer to a batch or to an upload.
type Kind uint8

// The kinds, each with the answers of the server that lead to it. For an upload read file instead of
// batch; a file cannot be split. A refusal by the storage is of kind Retry.
const (
	// OK: a 2xx whose body is a JSON object that reports no error. The batch is delivered.
	OK Kind = iota
	// Retry: 408, 425, 5xx, and every failure of the network. Send the same batch again after
	// Backoff, for ever.
	Retry
	// Throttled: 429, and 503 with a Retry-After. Send the same batch again after
	// Backoff with Error.RetryAfter.
	Throttled
	// TooLarge: 413. Send fewer lines at once; for a single line, as Rejected.
	TooLarge
	// Rejected: 400, 422, any other 4xx, and a 2xx whose body is a JSON object that reports
	// an error: an "error" other than null and false, "errors" that are not empty, or a
	// "success" that is false. Split the batch until the line to blame is alone.
	Rejected
	// Misconfigured: 401, 402, 403, 404, 405, 407, 410, 1xx, 3xx, a 2xx whose body is no
	// JSON object (an empty one, a web page), and a server that fails TLS verification or
	// does not use TLS. No batch can be to blame: keep all of them, report the failure, and try
	// again after Pause.
	Misconfigured
	// Canceled: the caller's context ended before an answer came. The batch may have
	// been delivered.
	Canceled
	// PartlyRefused: a 2xx of a collector that counts some lines of the batch as refused.
	// All others are delivered. Error.Refused lists the refused lines; while Error.Unlisted is
	// not 0, send parts of the batch again. Only Send returns it, never Classify.
	PartlyRefused
)

// kindNames is indexed by Kind.
var kindNames = [...]string{
	"ok", "retry", "throttled", "too large", "rejected", "misconfigured", "canceled", "partly refused",
}

// String returns the kind in words, or "unknown".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Classify is the whole policy: it maps one answer to a kind. Status is 0 if there was no answer;
// err is then the reason. An err together with a status means that the body is incomplete. That
// matters only for a 2xx, where the body decides: it is then unknown whether the batch arrived, so it
// is sent again.
//
// A context.DeadlineExceeded counts as a timeout of the network, because timeouts of package net
// match it too; only the caller can know whose deadline it was.
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

// classifySuccess is Classify for a 2xx.
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

// classifyFailure is Classify without an answer.
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

// readObject reports whether a body is exactly one JSON object, and whether the object reports at
// its top level that nothing was accepted. The body may be incomplete: the members before the end
// count, and so does a report whose value is incomplete.
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
		return false, refusal // the object is incomplete
	}
	_, err := dec.Token()
	return errors.Is(err, io.EOF), refusal
}

// isRefusal reports whether a member of an answer means that nothing was accepted. If whole is not
// set, the value is incomplete.
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

// compacted returns a JSON value without white space, for comparison with empty lists and objects.
func compacted(value string) string {
	return strings.Join(strings.Fields(value), "")
}
