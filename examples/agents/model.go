package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// temperature is what models are asked to answer with: as little chance as can be.
const temperature = 0

// model answers a chat with a chat completion, the JSON that OpenAI's API answers.
type model interface {
	provider() string
	name() string
	complete(ctx context.Context, messages []message, tools []tool) (json.RawMessage, error)
}

// chooseModel returns OpenAI's model if there is a key for it, else the stand-in.
func chooseModel(getenv func(string) string) model {
	if key := getenv("OPENAI_API_KEY"); key != "" {
		return newOpenAI(key, getenv("OPENAI_BASE_URL"), getenv("OPENAI_MODEL"))
	}
	return standIn{}
}

// message is a message of a chat, in the form of the chat completions API.
type message struct {
	Role       string     `json:"role"`
	Content    string     `json:"content"`
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

// toolCall is a call of a tool that a model asks for.
type toolCall struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // JSON
}

// completion is the part of a chat completion that is used here.
type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   usage    `json:"usage"`
}

type choice struct {
	Index        int     `json:"index"`
	Message      message `json:"message"`
	FinishReason string  `json:"finish_reason"`
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

// answerOf returns the message in a chat completion.
func answerOf(raw json.RawMessage) (message, error) {
	var c completion
	if err := json.Unmarshal(raw, &c); err != nil {
		return message{}, fmt.Errorf("the model's answer is not a chat completion: %w", err)
	}
	if len(c.Choices) == 0 {
		return message{}, errors.New("the model's answer has no choices")
	}
	return c.Choices[0].Message, nil
}

// standIn stands in for a model where there is none. It is no intelligence: it knows a
// few phrases, asks for the tool that goes with them, and repeats what the tool said.
type standIn struct{}

func (standIn) provider() string { return "none" }
func (standIn) name() string     { return "stand-in" }

// phrases are what the stand-in understands: what the phrase captures becomes the
// tool's argument.
var phrases = []struct {
	pattern        *regexp.Regexp
	tool, argument string
}{
	{regexp.MustCompile(`^Search the documents: (.+)$`), searchTool, "query"},
	{regexp.MustCompile(`^Calculate (.+)$`), "calculate", "expression"},
	{regexp.MustCompile(`^How many words does (.+) have\?$`), "count_words", "file"},
	{regexp.MustCompile(`^What is the weather like in (.+)\?$`), "weather", "city"},
	{regexp.MustCompile(`^What time is it in (.+)\?$`), "clock", "zone"},
}

func (s standIn) complete(ctx context.Context, messages []message, _ []tool) (json.RawMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	last := messages[len(messages)-1]
	answer, why := message{Role: "assistant"}, "stop"
	switch call, ok := wanted(last); {
	case ok:
		answer.ToolCalls, why = []toolCall{call}, "tool_calls"
	case last.Role == "tool":
		answer.Content = "I was told: " + firstLine(last.Content)
	default:
		answer.Content = fmt.Sprintf("It is clear: it has %d words.", len(strings.Fields(last.Content)))
	}
	c := completion{ID: "stand-in", Object: "chat.completion", Model: s.name(), Choices: []choice{{0, answer, why}}}
	for _, m := range messages {
		c.Usage.Prompt += tokens(m)
	}
	c.Usage.Completion = tokens(answer)
	c.Usage.Total = c.Usage.Prompt + c.Usage.Completion
	return json.Marshal(c)
}

// wanted returns the call that a user's message makes the stand-in ask for.
func wanted(m message) (toolCall, bool) {
	for _, p := range phrases {
		if found := p.pattern.FindStringSubmatch(m.Content); found != nil && m.Role == "user" {
			args, err := json.Marshal(map[string]string{p.argument: found[1]})
			return toolCall{"call_1", "function", function{p.tool, string(args)}}, err == nil
		}
	}
	return toolCall{}, false
}

// tokens counts words, which are near enough.
func tokens(m message) int {
	n := len(strings.Fields(m.Content))
	for _, c := range m.ToolCalls {
		n += 1 + len(strings.Fields(c.Function.Arguments))
	}
	return n
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
