package troupemcp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupelog/troupe/logger"
)

// failure is the failure of a tool call.
type failure struct {
	message string
	code    string // of JSON-RPC, "" for none
	kind    string // tool, protocol, cancelled, timeout, panic, or the type of the error
}

// panicked is the failure of a handler that did not return. The value of the panic is not
// known here: recovering it would lose where it happened.
var panicked = &failure{message: "the handler of the call panicked", kind: "panic"}

func (f *failure) detail() logger.Failure {
	return logger.Failure{Message: f.message, Code: f.code, Type: f.kind}
}

// failureOf returns the failure of an outcome, or nil.
func failureOf(res mcp.Result, err error) *failure {
	if err == nil {
		if r, ok := res.(*mcp.CallToolResult); ok && r != nil && r.IsError {
			return &failure{message: textOf(r.Content), kind: "tool"}
		}
		return nil
	}
	f := &failure{message: err.Error(), kind: fmt.Sprintf("%T", err)}
	var wire *jsonrpc.Error
	switch {
	case errors.Is(err, context.Canceled):
		f.kind = "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		f.kind = "timeout"
	case errors.As(err, &wire):
		f.kind, f.code = "protocol", strconv.FormatInt(wire.Code, 10)
	}
	return f
}

// resultOf returns the logged form of a result: its text if that is all there is, else the
// result as the protocol writes it, without _meta.
func resultOf(res mcp.Result) any {
	r, ok := res.(*mcp.CallToolResult)
	if !ok || r == nil {
		return res
	}
	if r.StructuredContent == nil && len(r.Content) == 1 {
		if text, ok := r.Content[0].(*mcp.TextContent); ok {
			return text.Text
		}
	}
	bare := *r
	bare.Meta = nil
	return &bare
}

// textOf returns the texts of a content, a line each.
func textOf(content []mcp.Content) string {
	var texts []string
	for _, c := range content {
		if text, ok := c.(*mcp.TextContent); ok {
			texts = append(texts, text.Text)
		}
	}
	return strings.Join(texts, "\n")
}
