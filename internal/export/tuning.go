package export

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// Reason explains why a generation is not suitable for tuning.
type Reason string

// Reasons for leaving a generation out.
const (
	NoAnswer    Reason = "no answer"
	NoMessages  Reason = "no messages"
	FailedCall  Reason = "the call failed"
	NotText     Reason = "audio, a file or another part that is no text" // pictures of users are kept
	Refused     Reason = "the model refused"
	OpenCall    Reason = "a tool call or a result without its counterpart"
	UnknownRole Reason = "a role that is not system, developer, user, assistant or tool"
	NoFunction  Reason = "a tool of the provider's own"
	BadTools    Reason = "tools in an unknown form"
)

// TuningReport counts the results of Tuning.
type TuningReport struct {
	Lines     int            // generations written
	Skipped   map[Reason]int // generations left out
	Reasoning int            // parts with reasoning omitted from the written lines, because the format has none
}

// Tuning writes the generations in nodes as chats for tuning a model. Each generation with
// an answer becomes a line of JSON with "messages" and, if the model had tools, "tools". The
// last message is the final answer. The format is OpenAI's [supervised fine-tuning]. A
// generation that cannot be expressed in full is left out and counted with the reason.
//
// [supervised fine-tuning]: https://platform.openai.com/docs/guides/supervised-fine-tuning
func Tuning(ctx context.Context, w io.Writer, nodes ...*fold.Node) (TuningReport, error) {
	report := TuningReport{Skipped: map[Reason]int{}}
	buffered := bufio.NewWriter(w)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	write := func(n *fold.Node, _ int) error {
		if n.Kind != protocol.Generation.String() {
			return nil
		}
		example, reasoning, err := exampleOf(n)
		var skip skipError
		if errors.As(err, &skip) {
			report.Skipped[Reason(skip)]++
			return nil
		}
		report.Lines++
		report.Reasoning += reasoning
		return lines.Encode(example)
	}
	for _, n := range nodes {
		if err := each(ctx, n, 0, write, func() error { return nil }); err != nil {
			return report, err
		}
	}
	return report, buffered.Flush()
}

// skipError is the reason for leaving a generation out.
type skipError Reason

func (e skipError) Error() string { return "export: cannot be written as a chat: " + string(e) }

// example is a line of the format.
type example struct {
	Messages []tuned           `json:"messages"`
	Tools    []json.RawMessage `json:"tools,omitempty"`
}

type tuned struct {
	Role       string      `json:"role"`
	Name       string      `json:"name,omitempty"`
	Content    any         `json:"content,omitempty"` // a string, or parts if there are pictures
	ToolCalls  []tunedCall `json:"tool_calls,omitempty"`
	ToolCallID string      `json:"tool_call_id,omitempty"`
}

type tunedCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// exampleOf returns the line of a generation, and the number of reasoning parts that it
// omits. The error is a skipError.
func exampleOf(n *fold.Node) (*example, int, error) {
	c := conversation.Of(n)
	last := c.Last()
	switch {
	case last == nil:
		return nil, 0, skipError(NoAnswer)
	case last.Failed:
		return nil, 0, skipError(FailedCall)
	}
	tools, err := functions(n)
	if err != nil {
		return nil, 0, err
	}
	t := chatWriter{example: &example{Tools: tools}}
	for i := range c.Sent {
		if err := t.message(&c.Sent[i]); err != nil {
			return nil, 0, err
		}
	}
	before := len(t.Messages)
	if before == 0 {
		return nil, 0, skipError(NoMessages)
	}
	if err := t.message(&last.Message); err != nil {
		return nil, 0, err
	}
	if len(t.Messages) != before+1 || t.Messages[before].Role != "assistant" {
		return nil, 0, skipError(NoAnswer)
	}
	return t.example, t.reasoning, nil
}
