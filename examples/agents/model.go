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

	"github.com/troupelog/troupe/llm"
)

// Bounds of a call of the API.
const (
	callTime  = 2 * time.Minute
	maxAnswer = 4 << 20 // bytes
)

// model is a model behind OpenAI's chat completions API
// (https://platform.openai.com/docs/api-reference/chat).
type model struct {
	url, key, name string
	client         *http.Client
}

// newModel returns a model whose calls are logged: llm.Transport does it, with
// the span that the context of a call carries.
func newModel(baseURL, key, name string) *model {
	return &model{
		url: strings.TrimRight(baseURL, "/") + "/chat/completions", key: key, name: name,
		client: &http.Client{Timeout: callTime, Transport: llm.Transport(nil, llm.Options{})},
	}
}

// startModel returns OpenAI's model if there is a key for it, else it starts the stand-in.
// Call stop when the model is no longer needed.
func startModel(ctx context.Context, getenv func(string) string) (m *model, stop func() error, err error) {
	if key := getenv("OPENAI_API_KEY"); key != "" {
		base := cmp.Or(getenv("OPENAI_BASE_URL"), "https://api.openai.com/v1")
		return newModel(base, key, cmp.Or(getenv("OPENAI_MODEL"), "gpt-4o-mini")), func() error { return nil }, nil
	}
	server, err := serveStandIn(ctx)
	if err != nil {
		return nil, nil, err
	}
	return newModel(server.url, "", standInName), server.stop, nil
}

// apiError is an answer of the API other than a chat completion.
type apiError struct {
	status  int
	message string
}

// Error returns the message of the API.
func (e *apiError) Error() string {
	return fmt.Sprintf("the model's server answered %d %s: %s", e.status, http.StatusText(e.status), e.message)
}

func (m *model) complete(ctx context.Context, messages []message, tools []tool) (json.RawMessage, error) {
	body, err := json.Marshal(request{m.name, messages, temperature, specs(tools)})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+m.key)
	resp, err := m.client.Do(req)
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

// refusal reads an answer of the form {"error": {"message": …}}.
func refusal(status int, body []byte) *apiError {
	var answer struct {
		Error struct{ Message string }
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Message == "" {
		answer.Error.Message = "no reason given"
	}
	return &apiError{status, answer.Error.Message}
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
