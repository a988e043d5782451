package troupeopenai_test

import (
	"context"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	troupeopenai "github.com/troupelog/troupe/integrations/openai"
	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

func dial(url string) openai.Client {
	return openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey("k"), troupeopenai.Log(llm.Options{}))
}

// tries is how often the SDK tries a call unless it is told otherwise.
const tries = 3

func TestChatCompletions(t *testing.T) {
	sdktest.Run(t, func(_ *testing.T, url string) sdktest.Client {
		client := dial(url)
		params := func(prompt string) openai.ChatCompletionNewParams {
			return openai.ChatCompletionNewParams{
				Model:    sdktest.ModelName,
				Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)},
				Tools:    []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: modelserver.ToolName})},
			}
		}
		said := func(c *openai.ChatCompletion) string {
			m := c.Choices[0].Message
			if len(m.ToolCalls) > 0 {
				return sdktest.CallOf(m.ToolCalls[0].Function.Name, m.ToolCalls[0].Function.Arguments)
			}
			return m.Content
		}
		return sdktest.Client{
			Provider: "openai", Tries: tries,
			Ask: func(ctx context.Context, prompt string) (string, error) {
				c, err := client.Chat.Completions.New(ctx, params(prompt))
				if err != nil {
					return "", err
				}
				return said(c), nil
			},
			Stream: func(ctx context.Context, prompt string, piece func(string)) (string, error) {
				p := params(prompt)
				p.StreamOptions.IncludeUsage = openai.Bool(true)
				s := client.Chat.Completions.NewStreaming(ctx, p)
				var all openai.ChatCompletionAccumulator
				err := each(s, func(c openai.ChatCompletionChunk) {
					all.AddChunk(c)
					if len(c.Choices) > 0 && c.Choices[0].Delta.Content != "" && piece != nil {
						piece(c.Choices[0].Delta.Content)
					}
				})
				if err != nil {
					return "", err
				}
				return said(&all.ChatCompletion), nil
			},
		}
	})
}

func TestResponses(t *testing.T) {
	sdktest.Run(t, func(_ *testing.T, url string) sdktest.Client {
		client := dial(url)
		params := func(prompt string) responses.ResponseNewParams {
			return responses.ResponseNewParams{
				Model: sdktest.ModelName,
				Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(prompt)},
				Tools: []responses.ToolUnionParam{responses.ToolParamOfFunction(modelserver.ToolName, map[string]any{"type": "object"}, false)},
			}
		}
		said := func(r *responses.Response) string {
			if call := r.Output[0].AsFunctionCall(); call.Name != "" {
				return sdktest.CallOf(call.Name, call.Arguments)
			}
			return r.OutputText()
		}
		return sdktest.Client{
			Provider: "openai", Tries: tries,
			Ask: func(ctx context.Context, prompt string) (string, error) {
				r, err := client.Responses.New(ctx, params(prompt))
				if err != nil {
					return "", err
				}
				return said(r), nil
			},
			Stream: func(ctx context.Context, prompt string, piece func(string)) (string, error) {
				var text strings.Builder
				var whole *responses.Response
				err := each(client.Responses.NewStreaming(ctx, params(prompt)), func(e responses.ResponseStreamEventUnion) {
					switch e.Type {
					case "response.output_text.delta":
						text.WriteString(e.Delta)
						if piece != nil {
							piece(e.Delta)
						}
					case "response.completed":
						whole = &e.Response
					}
				})
				if err != nil || whole == nil {
					return text.String(), err
				}
				return said(whole), nil
			},
		}
	})
}

func each[T any](s *ssestream.Stream[T], take func(T)) error {
	defer s.Close()
	for s.Next() {
		take(s.Current())
	}
	return s.Err()
}
