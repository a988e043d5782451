package troupemcp

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupelog/troupe/logger"
)

// Server returns a middleware for mcp.Server.AddReceivingMiddleware that logs each request
// for a tool as a span in the trace that it names, or as a trace of its own, and runs the
// tool in a context that is part of it. A nil log logs nothing. It may be used by many
// servers concurrently.
func Server(log *logger.Logger) mcp.Middleware {
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			params, ok := req.GetParams().(*mcp.CallToolParamsRaw)
			if method != methodCallTool || !ok || params == nil || log == nil {
				return next(ctx, method, req)
			}
			ctx, served := begin(extract(logger.NewContext(ctx, log), req, params), params)
			returned := false
			defer func() {
				if !returned {
					served.fail(panicked)
				}
				served.end()
			}()
			res, err := next(ctx, method, req)
			returned = true
			if failed := failureOf(res, err); failed != nil {
				served.fail(failed)
			} else {
				served.output(res)
			}
			return res, err
		}
	}
}

// extract returns ctx with the scope that the request's _meta names, or else its headers.
func extract(ctx context.Context, req mcp.Request, params *mcp.CallToolParamsRaw) context.Context {
	h := http.Header{}
	for _, name := range carried {
		if text, ok := params.Meta[name].(string); ok {
			h.Set(name, text)
		}
	}
	if in := logger.Extract(ctx, h); logger.FromContext(in).Active() {
		return in
	}
	if extra := req.GetExtra(); extra != nil {
		return logger.Extract(ctx, extra.Header)
	}
	return ctx
}

// serving is a request for a tool that is being answered: a span, or a trace where there
// is none to be part of. The handle that it is not is inert.
type serving struct {
	tool  string
	span  logger.Span
	trace logger.Trace
}

// begin begins the span or trace of a request.
func begin(ctx context.Context, params *mcp.CallToolParamsRaw) (context.Context, *serving) {
	s := &serving{tool: params.Name}
	name := methodCallTool + " " + params.Name
	if logger.FromContext(ctx).Active() {
		ctx, s.span = logger.StartSpan(ctx, logger.SpanConfig{Name: name})
		s.span.SetInput(string(params.Arguments))
		return ctx, s
	}
	c := logger.TraceConfig{Name: name}
	if json.Valid(params.Arguments) {
		c.Input = params.Arguments
	}
	ctx, s.trace = logger.StartTrace(ctx, c)
	return ctx, s
}

// output logs the result of a trace; the result of a span is logged with the client's tool call.
func (s *serving) output(res mcp.Result) { s.trace.SetOutput(resultOf(res)) }

func (s *serving) fail(f *failure) {
	c := logger.ErrorConfig{Name: s.tool, Message: f.message, Code: f.code, Type: f.kind}
	s.span.AddError(c)
	s.trace.AddError(c)
}

func (s *serving) end() {
	s.span.End()
	s.trace.End()
}
