package llm

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/logger"
)

// statusError returns the error of a response with a status of 400 or more. body is the part
// of its body that was received. The code is the HTTP status unless the provider sends a
// textual one.
func statusError(status int, body []byte) logger.Failure {
	d := logger.Failure(genai.ReadFailure(body))
	if _, err := strconv.Atoi(d.Code); err == nil || d.Code == "" {
		d.Code = strconv.Itoa(status)
	}
	if d.Message == "" {
		d.Message = strings.TrimSpace("HTTP " + strconv.Itoa(status) + " " + http.StatusText(status))
	}
	if d.Type == "" || d.Type == d.Code {
		d.Type = "http_" + strconv.Itoa(status)
	}
	return d
}

// Kinds of failures that providers do not report.
const (
	cancelled = "cancelled" // the request's context was cancelled
	timeout   = "timeout"   // a deadline expired
	broken    = "broken"    // the connection failed
	truncated = "truncated" // the response ended early
	closed    = "closed early"
)

// kindOf returns the kind of a transport error.
func kindOf(err error) string {
	var slow interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return cancelled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return timeout
	default:
		return broken
	}
}

// transportError returns the loggable form of a transport error. It omits the address, whose
// query may contain a key.
func transportError(err error) logger.Failure {
	kind := kindOf(err)
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return logger.Failure{Type: kind, Message: genai.Bounded(err.Error())}
}
