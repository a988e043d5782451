package troupemcp

import (
	"context"
	"maps"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupelog/troupe/logger"
)

// methodCallTool is the method of a request for a tool.
const methodCallTool = "tools/call"

// carried are the names, in _meta and as headers in lower case, that carry the scope of a call
// to the server.
var carried = []string{"traceparent", "tracestate", "baggage"}

// Client returns a middleware for mcp.Client.AddSendingMiddleware that logs the tool calls
// of the client in the span or trace of their contexts, and tells the server about it. It
// may be used by many clients concurrently.
func Client() mcp.Middleware {
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			params, ok := req.GetParams().(*mcp.CallToolParams)
			if method != methodCallTool || !ok || params == nil {
				return next(ctx, method, req)
			}
			scope := logger.FromContext(ctx)
			if !scope.Active() {
				return next(ctx, method, req)
			}
			call := scope.AddToolCall(logger.ToolCallConfig{
				Name: params.Name,
				Args: params.Arguments,
				Tags: serverTag(req),
			})
			returned := false
			defer func() {
				if !returned {
					call.Fail(panicked.detail())
				}
			}()
			res, err := next(ctx, method, inject(ctx, req, params))
			returned = true
			if failed := failureOf(res, err); failed != nil {
				call.Fail(failed.detail())
			} else {
				call.Result(resultOf(res))
			}
			return res, err
		}
	}
}

// serverTag names the server that a request goes to, if it has said its name.
func serverTag(req mcp.Request) map[string]string {
	session, ok := req.GetSession().(*mcp.ClientSession)
	if !ok || session == nil {
		return nil
	}
	hello := session.InitializeResult()
	if hello == nil || hello.ServerInfo == nil || hello.ServerInfo.Name == "" {
		return nil
	}
	return map[string]string{"mcp.server": hello.ServerInfo.Name}
}

// inject returns the request with the scope of ctx in its _meta. The caller's request,
// which may be used again, stays as it is.
func inject(ctx context.Context, req mcp.Request, params *mcp.CallToolParams) mcp.Request {
	session, ok := req.GetSession().(*mcp.ClientSession)
	if !ok {
		return req
	}
	h := http.Header{}
	for _, name := range carried {
		if text, ok := params.Meta[name].(string); ok {
			h.Set(name, text)
		}
	}
	logger.Inject(ctx, h)
	told := *params
	if told.Meta = maps.Clone(params.Meta); told.Meta == nil {
		told.Meta = mcp.Meta{}
	}
	for _, name := range carried {
		if values := h.Values(name); len(values) > 0 {
			told.Meta[name] = strings.Join(values, ",")
		}
	}
	return &mcp.ClientRequest[mcp.Params]{Session: session, Params: &told}
}
