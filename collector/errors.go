package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/troupelog/troupe/internal/store"
)

// Error is what a request that fails is answered with, as {"error":{…}}.
type Error struct {
	// Code tells kinds of errors apart: "bad_request", "unauthorized", "forbidden",
	// "not_found", "incomplete", "too_large", "unsupported", "too_many", "unavailable",
	// "internal".
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
	"incomplete":   http.StatusRequestTimeout,
	"too_many":     http.StatusTooManyRequests,
	"too_large":    http.StatusRequestEntityTooLarge,
	"unsupported":  http.StatusUnsupportedMediaType,
	"unavailable":  http.StatusServiceUnavailable,
	"internal":     http.StatusInternalServerError,
}

// ConfigError is returned by New for a Config that cannot be used. It never holds the
// value, which may be a secret.
type ConfigError struct {
	Field  string // name of the field of Config
	Reason string // what it must be
}

// Error implements error.
func (e *ConfigError) Error() string { return "collector: Config." + e.Field + " " + e.Reason }

func badRequest(message string) *Error { return &Error{"bad_request", message} }

// errIncomplete is answered where the connection failed within a body, or the body
// took too long. Nothing is wrong with what was sent.
var errIncomplete = &Error{"incomplete", "the body did not come to its end in time; send it again"}

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
	case errors.Is(err, store.ErrTooLarge):
		return &Error{"too_large", "the tree is too large to be put together; read its lines instead"}
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
		c.logFailure(r, "request failed", err)
	}
	if public.Code == "unavailable" || public.Code == "too_many" {
		w.Header().Set("Retry-After", "1")
	}
	c.writeJSON(w, statuses[public.Code], map[string]*Error{"error": public})
}

// logFailure logs what a request failed with. Where its client has gone, that is usually
// why, and nobody has to look at it.
func (c *Collector) logFailure(r *http.Request, message string, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	c.logger.Log(r.Context(), level, message, "method", r.Method, "route", r.Pattern, "error", err)
}

// writeJSON answers with a value. The value is encoded whole before the header is
// sent, so that one that cannot be is answered 500.
func (c *Collector) writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		c.logger.Error("encoding an answer failed", "type", fmt.Sprintf("%T", v), "error", err)
		status = http.StatusInternalServerError
		body.Reset()
		body.WriteString(`{"error":{"code":"internal","message":"the collector failed; its log says why"}}` + "\n")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	if _, err := w.Write(body.Bytes()); err != nil {
		c.logger.Debug("answering failed", "status", status, "error", err) // the reader has gone
	}
}
