package collector

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/troupelog/troupe/collector/store"
)

// Error is what a request that fails is answered with, as {"error":{…}}.
type Error struct {
	// Code tells kinds of errors apart: "bad_request", "unauthorized", "forbidden",
	// "not_found", "too_large", "unsupported", "unavailable", "internal".
	Code string `json:"code"`
	// Message tells people what happened and what to do. It quotes no payload.
	Message string `json:"message"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// statuses maps the codes to HTTP.
var statuses = map[string]int{
	"bad_request":  http.StatusBadRequest,
	"unauthorized": http.StatusUnauthorized,
	"forbidden":    http.StatusForbidden,
	"not_found":    http.StatusNotFound,
	"too_large":    http.StatusRequestEntityTooLarge,
	"unsupported":  http.StatusUnsupportedMediaType,
	"unavailable":  http.StatusServiceUnavailable,
	"internal":     http.StatusInternalServerError,
}

func badRequest(message string) *Error { return &Error{"bad_request", message} }

// publicError says how an error is told to the client.
func publicError(err error) *Error {
	var public *Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &public):
		return public
	case errors.As(err, &tooLarge):
		return &Error{"too_large", "the request body is too large; send it in parts"}
	case errors.Is(err, store.ErrNotFound):
		return &Error{"not_found", "no such entity in this repository"}
	case errors.Is(err, store.ErrBatch):
		return badRequest("the numbers of the lines are out of range")
	case errors.Is(err, store.ErrClosed):
		return &Error{"unavailable", "the collector is closed"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Error{"unavailable", "the request took too long; try again"}
	default:
		return &Error{"internal", "the collector failed; its log says why"}
	}
}

// fail answers with an error, and reports those the client cannot understand.
func (c *Collector) fail(w http.ResponseWriter, r *http.Request, err error) {
	public := publicError(err)
	if public.Code == "internal" {
		c.logger.Error("request failed", "method", r.Method, "route", r.Pattern, "error", err)
	}
	if public.Code == "unavailable" {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, statuses[public.Code], map[string]*Error{"error": public})
}

// writeJSON answers with a value. What fails then is the connection, which the
// client notices.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)
}
