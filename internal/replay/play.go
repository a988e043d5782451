package replay

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/troupelog/troupe/logger"
)

// player logs one conversation at a time. It belongs to one goroutine.
type player struct {
	Config
	counts *Summary // its own: added up when all players are done
}

// play logs a conversation. When ctx ends it stops between two messages and returns
// ctx's error; open entities are left to the logger's Close.
func (p *player) play(ctx context.Context, c conversation) error {
	history := make([]logger.Message, len(c.messages))
	for i, m := range c.messages {
		history[i] = logger.MessageOf(m.raw)
	}
	session := p.Log.Session(logger.SessionConfig{Name: fmt.Sprintf("conversation %d", c.number)})
	p.counts.Sessions++
	t := turn{player: p, session: session}
	for i, m := range c.messages {
		wait := p.pause(c.messages, i)
		if m.role == "assistant" {
			if err := t.generate(ctx, c, history[:i], m, wait); err != nil {
				return err
			}
			continue
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		switch m.role {
		case "user":
			t.end()
			t.begin(m.text)
		case "tool":
			t.answer(m)
		}
	}
	t.end()
	session.End()
	return nil
}

// pause returns how long to wait before the message at i.
func (p *player) pause(messages []message, i int) time.Duration {
	if p.Speed <= 0 || i == 0 {
		return 0
	}
	gap := DefaultGap
	before, at := messages[i-1].at, messages[i].at
	if !before.IsZero() && !at.IsZero() {
		gap = max(0, at.Sub(before))
	}
	return time.Duration(float64(gap) / p.Speed)
}

// sleep waits, and fails if ctx ends before or meanwhile.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turn is the work that a user message starts: one trace at a time of a session.
type turn struct {
	*player
	session logger.Session
	trace   logger.Trace // zero between two turns
	output  string       // last text of the assistant
	open    []openCall   // in the order they were begun
}

// openCall is a tool call without an answer yet.
type openCall struct {
	id     string // in the recording
	handle logger.ToolCall
}

// begin begins the turn's trace; the input may be empty.
func (t *turn) begin(input string) {
	c := logger.TraceConfig{Name: "turn"}
	if input != "" {
		c.Input = input
	}
	t.trace = t.session.AddTrace(c)
	t.counts.Traces++
}

// end ends the trace and everything open in it.
func (t *turn) end() {
	if t.trace == (logger.Trace{}) {
		return
	}
	for _, c := range t.open {
		c.handle.Fail(logger.Failure{Message: "the recording holds no result of this call"})
	}
	if t.output != "" {
		t.trace.SetOutput(t.output)
	}
	t.trace.End()
	t.trace, t.output, t.open = logger.Trace{}, "", nil
}

// generate logs an assistant message: a model call that lasts for wait, and the tool
// calls that it asks for.
func (t *turn) generate(ctx context.Context, c conversation, history []logger.Message, m message, wait time.Duration) error {
	if t.trace == (logger.Trace{}) {
		t.begin("")
	}
	model := cmp.Or(t.Model, m.model, c.model, "unknown")
	generation := t.trace.AddGeneration(logger.GenerationConfig{
		Model: model, Provider: cmp.Or(t.Provider, c.provider), Messages: history,
	})
	t.counts.Generations++
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	generation.Result(resultOf(generation.ID(), model, m))
	if m.text != "" {
		t.output = m.text
	}
	for _, call := range m.calls {
		t.call(call)
	}
	return nil
}

func (t *turn) call(c call) {
	config := logger.ToolCallConfig{Name: c.Function.Name, Args: c.arguments()}
	if c.ID != "" {
		config.Tags = map[string]string{"tool_call_id": c.ID}
	}
	t.open = append(t.open, openCall{c.ID, t.trace.AddToolCall(config)})
	t.counts.ToolCalls++
}

// answer ends the oldest open call that a tool message names.
func (t *turn) answer(m message) {
	for i, c := range t.open {
		if c.id == m.callID {
			c.handle.Result(m.text)
			t.open = append(t.open[:i], t.open[i+1:]...)
			return
		}
	}
}

// completion is a chat completion, as the OpenAI API answers.
type completion struct {
	ID      string          `json:"id"`
	Object  string          `json:"object"`
	Created int64           `json:"created"`
	Model   string          `json:"model"`
	Choices []choice        `json:"choices"`
	Usage   json.RawMessage `json:"usage,omitempty"`
}

type choice struct {
	Index        int             `json:"index"`
	Message      json.RawMessage `json:"message"`
	FinishReason string          `json:"finish_reason"`
}

// resultOf returns the completion that an assistant message came in.
func resultOf(id, model string, m message) completion {
	finish := cmp.Or(m.finish, "stop")
	if m.finish == "" && len(m.calls) > 0 {
		finish = "tool_calls"
	}
	created := m.at
	if created.IsZero() {
		created = time.Now()
	}
	return completion{
		ID: "chatcmpl-" + id, Object: "chat.completion", Created: created.Unix(), Model: model,
		Choices: []choice{{Message: m.raw, FinishReason: finish}}, Usage: m.usage,
	}
}
