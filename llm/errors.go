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

// statusError returns the error of an answer with a status of 400 and more; body is what
// came of it. The code is that of HTTP unless the provider has one in words.
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

// Kinds of failures that no provider tells of.
const (
	cancelled = "cancelled" // the context of the request was cancelled
	timeout   = "timeout"   // a deadline passed
	broken    = "broken"    // the connection failed
	truncated = "truncated" // the answer stopped before its end
	closed    = "closed early"
)

// kindOf returns the kind of an error of the transport.
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

// transportError returns what is logged of an error of the transport: not the address,
// whose query may hold a key.
func transportError(err error) logger.Failure {
	kind := kindOf(err)
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return logger.Failure{Type: kind, Message: genai.Bounded(err.Error())}
}
