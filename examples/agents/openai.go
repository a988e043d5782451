package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Bounds of a call of the API.
const (
	callTime  = 2 * time.Minute
	maxAnswer = 4 << 20 // bytes
)

// openAI is a model behind OpenAI's chat completions API
// (https://platform.openai.com/docs/api-reference/chat).
type openAI struct {
	url, key, model string
	client          *http.Client
}

func newOpenAI(key, baseURL, model string) *openAI {
	base := strings.TrimRight(cmp.Or(baseURL, "https://api.openai.com/v1"), "/")
	return &openAI{
		url: base + "/chat/completions", key: key, model: cmp.Or(model, "gpt-4o-mini"),
		client: &http.Client{Timeout: callTime},
	}
}

func (*openAI) provider() string { return "openai" }
func (o *openAI) name() string   { return o.model }

// apiError is an answer of the API other than a chat completion.
type apiError struct {
	status        int
	kind, message string
}

// Error says what the API said.
func (e *apiError) Error() string {
	return fmt.Sprintf("the model's server answered %d %s: %s", e.status, http.StatusText(e.status), e.message)
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

func (o *openAI) complete(ctx context.Context, messages []message, tools []tool) (json.RawMessage, error) {
	body, err := json.Marshal(request{o.model, messages, temperature, specs(tools)})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+o.key)
	resp, err := o.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the model's answer broke off: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp.StatusCode, answer)
	}
	return answer, nil
}

// refusal reads an answer of the form {"error": {"message": …, "type": …}}.
func refusal(status int, body []byte) *apiError {
	var answer struct {
		Error struct{ Message, Type string }
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Message == "" {
		answer.Error.Message = "no reason given"
	}
	return &apiError{status, answer.Error.Type, answer.Error.Message}
}

// specs describes tools, each of which takes one string.
func specs(tools []tool) []toolSpec {
	out := make([]toolSpec, len(tools))
	for i, t := range tools {
		out[i] = toolSpec{"function", functionSpec{t.name, t.description, map[string]any{
			"type":       "object",
			"properties": map[string]any{t.argument: map[string]string{"type": "string", "description": t.example}},
			"required":   []string{t.argument},
		}}}
	}
	return out
}
