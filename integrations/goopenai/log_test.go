package troupegoopenai_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	openai "github.com/sashabaranov/go-openai"

	troupegoopenai "github.com/troupelog/troupe/integrations/goopenai"
	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

func TestChatCompletions(t *testing.T) {
	sdktest.Run(t, func(t *testing.T, url string) sdktest.Client {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		config := openai.DefaultConfig("k")
		config.BaseURL, config.HTTPClient = url+"/v1", &http.Client{Transport: transport}
		client := openai.NewClientWithConfig(troupegoopenai.Log(config, llm.Options{}))
		request := func(prompt string) openai.ChatCompletionRequest {
			return openai.ChatCompletionRequest{
				Model:    sdktest.ModelName,
				Messages: []openai.ChatCompletionMessage{{Role: "user", Content: prompt}},
				Tools: []openai.Tool{{Type: openai.ToolTypeFunction, Function: &openai.FunctionDefinition{
					Name: modelserver.ToolName, Parameters: map[string]any{"type": "object"},
				}}},
			}
		}
		return sdktest.Client{
			Provider: "openai", Tries: 1,
			Ask: func(ctx context.Context, prompt string) (string, error) {
				r, err := client.CreateChatCompletion(ctx, request(prompt))
				if err != nil {
					return "", err
				}
				m := r.Choices[0].Message
				if len(m.ToolCalls) > 0 {
					return sdktest.CallOf(m.ToolCalls[0].Function.Name, m.ToolCalls[0].Function.Arguments), nil
				}
				return m.Content, nil
			},
			Stream: func(ctx context.Context, prompt string, piece func(string)) (string, error) {
				q := request(prompt)
				q.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
				s, err := client.CreateChatCompletionStream(ctx, q)
				if err != nil {
					return "", err
				}
				defer s.Close()
				return read(s, piece)
			},
		}
	})
}

// read returns what a stream says in the end.
func read(s *openai.ChatCompletionStream, piece func(string)) (string, error) {
	var said string
	for {
		chunk, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return said, nil
		}
		if err != nil {
			return said, err
		}
		for _, c := range chunk.Choices {
			for _, call := range c.Delta.ToolCalls {
				said = sdktest.CallOf(call.Function.Name, call.Function.Arguments)
			}
			said += c.Delta.Content
			if c.Delta.Content != "" && piece != nil {
				piece(c.Delta.Content)
			}
		}
	}
}

func TestAConfigurationWithoutAClient(t *testing.T) {
	if c := troupegoopenai.Log(openai.ClientConfig{}, llm.Options{}); c.HTTPClient == nil {
		t.Error("there is no client")
	}
}
