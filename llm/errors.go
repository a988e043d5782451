package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/logger"
)

// maxMessage is how much of the message of an error is logged, in bytes.
const maxMessage = 2048

// bounded cuts a text to maxMessage, between characters.
func bounded(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}

// providerError reads the error of any provider: the body of an answer that is one, or its
// error member.
//
//	OpenAI     {"error":{"message","type","code"}}
//	Anthropic  {"type":"error","error":{"type","message"}}
//	Gemini     {"error":{"code":429,"message","status":"RESOURCE_EXHAUSTED"}}
//	Ollama     {"error":"message"}
func providerError(raw json.RawMessage) logger.Failure {
	raw = bytes.TrimSpace(raw)
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return logger.Failure{Message: bounded(text)}
	}
	var e struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Type    string          `json:"type"`
		Status  json.RawMessage `json:"status"`
		Code    json.RawMessage `json:"code"`
	}
	if !decode(raw, &e) {
		return logger.Failure{}
	}
	if given(e.Error) && e.Message == "" {
		return providerError(e.Error)
	}
	d := logger.Failure{Message: bounded(e.Message), Type: bounded(e.Type), Code: bounded(scalar(e.Code))}
	if d.Type == "" {
		d.Type = bounded(scalar(e.Status))
	}
	if d.Type == "" {
		d.Type = d.Code
	}
	return d
}

// scalar returns a string as it is, and a number as it is written.
func scalar(raw json.RawMessage) string {
	if !given(raw) || raw[0] == '{' || raw[0] == '[' {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// statusError returns the error of an answer with a status of 400 and more; body is what
// came of it. The code is that of HTTP unless the provider has one in words.
func statusError(status int, body []byte) logger.Failure {
	d := providerError(body)
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
	return logger.Failure{Type: kind, Message: bounded(err.Error())}
}
