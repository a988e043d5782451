package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// temperature is the temperature of all model calls: 0 makes answers repeatable.
const temperature = 0

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

// request is the body of a call.
type request struct {
	Model       string     `json:"model"`
	Messages    []message  `json:"messages"`
	Temperature float64    `json:"temperature"`
	Tools       []toolSpec `json:"tools"`
}

// toolSpec describes a tool to the model.
type toolSpec struct {
	Type     string       `json:"type"`
	Function functionSpec `json:"function"`
}

type functionSpec struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Parameters  map[string]any `json:"parameters"` // JSON Schema
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
