package genai

import (
	"encoding/json"
	"fmt"

	"github.com/troupelog/troupe/pricing"
)

// ollamaAssembler assembles a response of Ollama's own API, whole or streamed, see
// https://github.com/ollama/ollama/blob/main/docs/api.md, and brings it into the form of a
// chat completion. Each line has a piece of the text; a tool call comes whole, with its
// arguments as an object and mostly without an id, so that it gets its number as one. The
// last line has done set, and the counts of tokens.
type ollamaAssembler struct {
	*Budget
	some          bool
	model, reason string
	said, thought []byte
	calls         []ChatCall
	done          bool
	prompt, eval  int64
	err           json.RawMessage
}

// ollamaPiece is a line of a stream, or a whole response.
type ollamaPiece struct {
	Model    string          `json:"model"`
	Response string          `json:"response"` // of /api/generate
	Thinking string          `json:"thinking"`
	Message  ollamaMessage   `json:"message"` // of /api/chat
	Done     bool            `json:"done"`
	Reason   string          `json:"done_reason"`
	Prompt   int64           `json:"prompt_eval_count"`
	Eval     int64           `json:"eval_count"`
	Error    json.RawMessage `json:"error"`
}

// ollamaMessage is the message of /api/chat; /api/generate has its text in the line.
type ollamaMessage struct {
	Content   string `json:"content"`
	Thinking  string `json:"thinking"`
	ToolCalls []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

func (o *ollamaAssembler) Add(_ string, data []byte) {
	var piece ollamaPiece
	if !decode(data, &piece) {
		o.err = json.RawMessage(`{"type":"invalid_json","message":"the answer is not JSON"}`)
		return
	}
	o.some = true
	if piece.Model != "" {
		o.model = piece.Model
	}
	o.text(&o.said, piece.Response)
	o.text(&o.said, piece.Message.Content)
	o.text(&o.thought, piece.Thinking)
	o.text(&o.thought, piece.Message.Thinking)
	for _, of := range piece.Message.ToolCalls {
		arguments := o.raw(of.Function.Arguments)
		if len(o.calls) >= maxPieces {
			o.Cut = true
			break
		}
		o.Began = true
		call := ChatCall{ID: of.ID, Type: "function"}
		if call.ID == "" {
			call.ID = fmt.Sprintf("call_%d", len(o.calls))
		}
		call.Function.Name, call.Function.Arguments = of.Function.Name, string(arguments)
		o.calls = append(o.calls, call)
	}
	if given(piece.Error) {
		o.err = piece.Error
	}
	if piece.Done {
		o.done, o.reason, o.prompt, o.eval = true, piece.Reason, piece.Prompt, piece.Eval
	}
}

func (o *ollamaAssembler) Complete() bool { return o.done }

func (o *ollamaAssembler) Failure() *Failure {
	if !given(o.err) {
		return nil
	}
	d := ReadFailure(o.err)
	return &d
}

func (o *ollamaAssembler) Result() []byte {
	if !o.some || o.said == nil && o.thought == nil && o.calls == nil && !o.done {
		return nil
	}
	choice := ChatChoice{Message: ChatMessage{Role: "assistant", Reasoning: string(o.thought), ToolCalls: o.calls}}
	choice.Message.AddText(string(o.said))
	if reason := o.reason; reason != "" || o.done {
		switch {
		case len(o.calls) > 0:
			reason = "tool_calls"
		case reason == "":
			reason = "stop"
		}
		choice.FinishReason = &reason
	}
	out := Chat{Object: "chat.completion", Model: o.model, Choices: []ChatChoice{choice}}
	if o.done {
		out.Usage = EncodeUsage(pricing.Usage{Input: o.prompt, Output: o.eval, Total: o.prompt + o.eval})
	}
	return encode(out)
}
