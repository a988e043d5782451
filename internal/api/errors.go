package api

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

// Error is the answer to a failed request, as {"error":{…}}.
type Error struct {
	// Code is the kind of error: "bad_request", "unauthorized", "forbidden", "not_found",
	// "incomplete", "too_large", "unsupported", "too_many", "unavailable" or "internal".
	Code string `json:"code"`
	// Message is a sentence about the cause and the remedy. It quotes no payload.
	Message string `json:"message"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// statuses maps codes to HTTP statuses.
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

// ConfigError is returned for a Config that cannot be used. It never contains the value,
// which may be a secret.
type ConfigError struct {
	Field  string // name of the field of Config
	Reason string // completes a sentence that begins with the name of the field
}

// Error implements error.
func (e *ConfigError) Error() string { return "collector: Config." + e.Field + " " + e.Reason }

func badRequest(message string) *Error { return &Error{"bad_request", message} }

// errIncomplete is answered if the connection fails within a body, or the body takes too
// long. The content is not to blame.
var errIncomplete = &Error{"incomplete", "the body did not come to its end in time; send it again"}

// publicError translates an error for the client. Errors without a translation are internal.
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
	case errors.Is(err, store.ErrTerm):
		return badRequest("the parameter q has a condition that cannot be used: " + err.Error())
	case errors.Is(err, store.ErrQuery):
		return badRequest("the parameter q has too many words: use fewer")
	case errors.Is(err, store.ErrClosed):
		return &Error{"unavailable", "the collector is closed"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Error{"unavailable", "the request took too long; try again"}
	default:
		return &Error{"internal", "the collector failed; its log says why"}
	}
}

// uploadError translates an error of Service.PutFile.
func uploadError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &Error{"too_large", "the file is larger than the size that was asked for"}
	case errors.Is(err, store.ErrContent):
		return errIncomplete
	default:
		return err
	}
}

// fail answers with an error. Internal errors go to the log, because the client does not see
// them.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	public := publicError(err)
	if public.Code == "internal" {
		s.logFailure(r, "request failed", err)
	}
	if public.Code == "unavailable" || public.Code == "too_many" {
		w.Header().Set("Retry-After", "1")
	}
	s.writeJSON(w, statuses[public.Code], map[string]*Error{"error": public})
}

// logFailure logs the error of a request, at debug level if its client has gone: that is
// usually the cause, and nobody has to look at it.
func (s *Server) logFailure(r *http.Request, message string, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	s.logger.Log(r.Context(), level, message, "method", r.Method, "route", r.Pattern, "error", err)
}

// writeJSON answers with a value. It encodes all of the value before it sends the header, so
// that a value that cannot be encoded is answered 500.
func (s *Server) writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	// Infinite numbers cannot be encoded, for instance.
	if err := encoder.Encode(v); err != nil {
		s.logger.Error("encoding an answer failed", "type", fmt.Sprintf("%T", v), "error", err)
		status = http.StatusInternalServerError
		body.Reset()
		body.WriteString(`{"error":{"code":"internal","message":"the collector failed; its log says why"}}` + "\n")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	if _, err := w.Write(body.Bytes()); err != nil {
		s.logger.Debug("answering failed", "status", status, "error", err) // the client has gone
	}
}
