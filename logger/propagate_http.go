package logger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/brief"
)

// Middleware returns a handler that logs each request next answers, and runs it with a
// context whose work is part of that: see FromContext. A request that names a trace, see
// Extract, becomes a span in it; any other a trace of its own, in the session that it
// names. Name, method, route and status are logged, and neither the address nor the
// headers and bodies.
//
// The name is the pattern of the route, or the method where none is known: a mux within
// next tells it behind the answer. A status of 500 and more is logged as an error, and so
// is a panic, which goes on unchanged. http.ErrAbortHandler is no error, but told in the
// metadata, and so is a client that went away. What the request began is ended with it.
// On a nil *Logger, Middleware returns next.
func (l *Logger) Middleware(next http.Handler) http.Handler {
	if l == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, served := l.beginServing(r)
		r = r.WithContext(ctx)
		answer := &answerRecorder{ResponseWriter: w}
		defer func() {
			value := recover()
			served.end(r, answer, value)
			if value != nil {
				panic(value)
			}
		}()
		next.ServeHTTP(answer.writer(), r)
		served.returned = true
	})
}

// serving is a request that is being answered.
type serving struct {
	container
	name     string // the name it was begun with
	w3c      string // the trace of another system
	returned bool   // the handler came to its end
}

// beginServing begins the span or trace of a request.
func (l *Logger) beginServing(r *http.Request) (context.Context, *serving) {
	ctx := Extract(NewContext(r.Context(), l), r.Header)
	s := &serving{name: requestName(r), w3c: FromContext(ctx).w3c.trace}
	tags := map[string]string{"http.method": r.Method}
	if FromContext(ctx).Active() {
		next, span := StartSpan(ctx, SpanConfig{Name: s.name, Tags: tags})
		s.container = span.container
		return next, s
	}
	next, trace := StartTrace(ctx, TraceConfig{Name: s.name, Tags: tags})
	s.container = trace.container
	return next, s
}

// requestName returns the pattern of the route, with its method, or the method alone.
func requestName(r *http.Request) string {
	switch {
	case r.Pattern == "":
		return r.Method
	case strings.ContainsRune(r.Pattern, ' '):
		return r.Pattern
	default:
		return r.Method + " " + r.Pattern
	}
}

// end logs how the request came out, and ends it. value is that of a panic.
func (s *serving) end(r *http.Request, answer *answerRecorder, value any) {
	aborted := false
	if err, ok := value.(error); ok {
		aborted = errors.Is(err, http.ErrAbortHandler)
	}
	status := answer.status
	if status == 0 && s.returned && !answer.hijacked {
		status = http.StatusOK
	}
	facts := map[string]any{}
	for name, holds := range map[string]bool{
		"http.aborted": aborted, "http.hijacked": answer.hijacked, "http.cancelled": r.Context().Err() != nil,
	} {
		if holds {
			facts[name] = true
		}
	}
	if status != 0 {
		facts["http.status"] = status
	}
	if s.w3c != "" {
		facts["w3c.trace_id"] = s.w3c
	}
	s.AddMetadata(facts)
	switch {
	case value != nil && !aborted:
		s.AddError(ErrorConfig{Name: "panic", Type: fmt.Sprintf("%T", value), Message: brief.Cut(fmt.Sprint(value), maxPanicText)})
	case status >= http.StatusInternalServerError:
		s.AddError(ErrorConfig{Name: "http", Type: "http", Code: strconv.Itoa(status), Message: http.StatusText(status)})
	}
	if name := requestName(r); name != s.name {
		s.text("name", name)
	}
	s.End()
}

// maxPanicText is how much of the value of a panic is logged, in bytes.
const maxPanicText = 1024
