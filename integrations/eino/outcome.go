package troupeeino

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/components/retriever"
	"github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/schema"

	"github.com/troupelog/troupe/logger"
)

// input logs what the run works on, where that came as a stream. Models, tools and
// retrievers of eino take no streams.
func (r *run) input(in any) {
	if text := textOf(in); text != "" {
		r.span.SetInput(text)
		r.root.SetInput(text)
	}
}

// output logs what came of the run.
func (r *run) output(out any) {
	switch {
	case r.model != (logger.Generation{}):
		r.told = r.modelOutput(model.ConvCallbackOutput(out))
	case r.tool != (logger.ToolCall{}):
		if c := tool.ConvCallbackOutput(out); c != nil {
			r.tool.Result(toolText(c))
			r.told = true
		}
	case r.retrieval != (logger.Retrieval{}):
		if c := retriever.ConvCallbackOutput(out); c != nil {
			r.retrieval.SetOutput(c.Docs)
			r.told = true
		}
	}
	if text := textOf(out); text != "" {
		r.root.SetOutput(text)
	}
}

// fail logs that the run failed. An error that came from a run within is logged there,
// and, as all that is around a failure fails, in each run around it.
func (r *run) fail(err error) {
	if interrupted(err) {
		facts := map[string]any{"interrupted": true}
		r.span.AddMetadata(facts)
		r.tool.AddMetadata(facts)
		r.root.AddMetadata(facts)
		return
	}
	d := detailOf(err)
	switch {
	case r.model != (logger.Generation{}):
		r.model.Fail(d)
		r.told = true
	case r.tool != (logger.ToolCall{}):
		r.tool.Fail(d)
		r.told = true
	default:
		c := logger.ErrorConfig{Name: nameOf(r.info), Message: d.Message, Type: d.Type}
		r.span.AddError(c)
		if r.retrieval != (logger.Retrieval{}) {
			r.scope.AddError(c)
		} else {
			r.root.AddError(c)
		}
	}
}

// failMidway logs that the stream of the run failed.
func (r *run) failMidway(s *stream) {
	if len(s.chunks) > 0 {
		if text := textOf(s.whole()); text != "" {
			facts := map[string]any{"answer_so_far": text}
			r.model.AddMetadata(facts)
			r.tool.AddMetadata(facts)
		}
	}
	r.fail(s.err)
}

// interrupted reports whether an error is how a graph stops, to go on later.
func interrupted(err error) bool {
	if _, ok := compose.ExtractInterruptInfo(err); ok {
		return true
	}
	_, ok := compose.IsInterruptRerunError(err)
	return ok
}

func detailOf(err error) logger.Failure {
	if err == nil {
		return logger.Failure{Message: "failed without an error"}
	}
	kind := fmt.Sprintf("%T", err)
	switch {
	case errors.Is(err, context.Canceled):
		kind = "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		kind = "timeout"
	}
	return logger.Failure{Message: err.Error(), Type: kind}
}

// toolText returns what a tool answered: text, or the parts of an answer that is more.
func toolText(c *tool.CallbackOutput) any {
	if c.ToolOutput == nil {
		return c.Response
	}
	if parts := c.ToolOutput.Parts; len(parts) == 1 && parts[0].Type == schema.ToolPartTypeText {
		return parts[0].Text
	}
	return c.ToolOutput
}

// textOf returns a value as text: that of a string or of a message, of several the
// last one's, and the JSON of anything else; "" where there is none.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case *schema.Message:
		if v == nil {
			return ""
		}
		return v.Content
	case []*schema.Message:
		if len(v) == 0 {
			return ""
		}
		return textOf(v[len(v)-1])
	case *model.CallbackInput:
		return textOf(v.Messages)
	case *model.CallbackOutput:
		return textOf(v.Message)
	case *tool.CallbackInput:
		return v.ArgumentsInJSON
	case *tool.CallbackOutput:
		return textOf(toolText(v))
	case *retriever.CallbackInput:
		return v.Query
	case *retriever.CallbackOutput:
		return textOf(v.Docs)
	}
	text, err := json.Marshal(v)
	if err != nil || len(text) > maxText {
		return ""
	}
	return string(text)
}

// maxText is how much JSON of a value of a graph is logged, in bytes: more is not for
// reading, and it is in the nodes that it came from.
const maxText = 64 << 10
