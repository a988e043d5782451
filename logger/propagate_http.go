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

// Middleware returns a handler that logs each request that next serves. It calls next with a
// context whose work belongs to the request, see FromContext. A request that names a trace,
// see Extract, becomes a span in it; any other request becomes a trace, in the session that
// it names, if any. The name, method, route and status are logged, but not the address,
// headers and bodies. On a nil *Logger, Middleware returns next.
//
// The name is the pattern of the route, or the method if no pattern is known: a mux inside
// next sets the pattern, so the name may be updated after the response. A status of 500 or
// more is logged as an error, and so is a panic, which continues unchanged.
// http.ErrAbortHandler and a client that went away are no errors; they are logged as
// metadata.
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

// serving is a request that is being served: a span, or a trace.
type serving struct {
	container
	name     string // at the beginning
	w3c      string // the trace id of another system, "" for none
	returned bool   // the handler returned normally
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

// requestName returns the pattern of the route with its method, or the method alone.
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

// end logs the outcome of the request, and ends it. value is the value of a panic, or nil.
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
		text := brief.Cut(fmt.Sprint(value), maxPanicText)
		s.AddError(ErrorConfig{Name: "panic", Type: fmt.Sprintf("%T", value), Message: text})
	case status >= http.StatusInternalServerError:
		s.AddError(ErrorConfig{Name: "http", Type: "http", Code: strconv.Itoa(status), Message: http.StatusText(status)})
	}
	if name := requestName(r); name != s.name {
		s.text("name", name)
	}
	s.End()
}

// maxPanicText limits the text of a panic that is logged, in bytes.
const maxPanicText = 1024
