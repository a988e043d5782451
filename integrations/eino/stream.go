package troupeeino

import (
	"errors"
	"io"
	"strings"

	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/schema"
)

// stream is what came of a stream.
type stream struct {
	chunks []any
	err    error // why it ended before its end, nil if it did not
}

// collect reads a stream to its end, and calls first with the first chunk. It does not
// close it.
func collect[T any](s *schema.StreamReader[T], first func()) *stream {
	var c stream
	for {
		chunk, err := s.Recv()
		if err != nil {
			if _, oneOfSeveral := schema.GetSourceName(err); oneOfSeveral {
				continue
			}
			if !errors.Is(err, io.EOF) {
				c.err = err
			}
			return &c
		}
		if len(c.chunks) == 0 && first != nil {
			first()
		}
		c.chunks = append(c.chunks, chunk)
	}
}

// whole returns the chunks put together; the last one if it is not known how.
func (s *stream) whole() any {
	if len(s.chunks) == 0 {
		return nil
	}
	switch s.chunks[0].(type) {
	case *model.CallbackOutput, *schema.Message:
		return s.message()
	case string, *tool.CallbackOutput:
		return s.text()
	}
	return s.chunks[len(s.chunks)-1]
}

// message puts the answer of a model together. Chunks that eino does not put
// together are at least text.
func (s *stream) message() *model.CallbackOutput {
	var whole model.CallbackOutput
	var messages []*schema.Message
	for _, chunk := range s.chunks {
		c := model.ConvCallbackOutput(chunk)
		if c == nil {
			continue
		}
		if c.Message != nil {
			messages = append(messages, c.Message)
		}
		if c.Config != nil {
			whole.Config = c.Config
		}
		if c.TokenUsage != nil {
			whole.TokenUsage = c.TokenUsage
		}
	}
	if len(messages) == 0 {
		return &whole
	}
	var err error
	if whole.Message, err = schema.ConcatMessages(messages); err != nil {
		var text strings.Builder
		for _, m := range messages {
			text.WriteString(m.Content)
		}
		whole.Message = schema.AssistantMessage(text.String(), nil)
	}
	keepReasoningTokens(whole.Message, messages)
	return &whole
}

// keepReasoningTokens takes the count of the tokens of reasoning over from the parts of a
// message, as schema.ConcatMessages does it with the other counts.
func keepReasoningTokens(whole *schema.Message, parts []*schema.Message) {
	if whole.ResponseMeta == nil || whole.ResponseMeta.Usage == nil {
		return
	}
	most := &whole.ResponseMeta.Usage.CompletionTokensDetails
	for _, p := range parts {
		if p.ResponseMeta != nil && p.ResponseMeta.Usage != nil {
			most.ReasoningTokens = max(most.ReasoningTokens, p.ResponseMeta.Usage.CompletionTokensDetails.ReasoningTokens)
		}
	}
}

// text puts the answer of a tool together.
func (s *stream) text() any {
	var text strings.Builder
	for _, chunk := range s.chunks {
		c := tool.ConvCallbackOutput(chunk)
		if c == nil || c.ToolOutput != nil {
			return s.chunks[len(s.chunks)-1]
		}
		text.WriteString(c.Response)
	}
	return text.String()
}
