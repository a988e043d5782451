package troupeanthropic_test

import (
	"context"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	troupeanthropic "github.com/troupelog/troupe/integrations/anthropic"
	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

func TestMessages(t *testing.T) {
	sdktest.Run(t, func(_ *testing.T, url string) sdktest.Client {
		client := anthropic.NewClient(option.WithBaseURL(url), option.WithAPIKey("k"), troupeanthropic.Log(llm.Options{}))
		params := func(prompt string) anthropic.MessageNewParams {
			return anthropic.MessageNewParams{
				Model: sdktest.ModelName, MaxTokens: 100,
				Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))},
				Tools:    []anthropic.ToolUnionParam{anthropic.ToolUnionParamOfTool(anthropic.ToolInputSchemaParam{}, modelserver.ToolName)},
			}
		}
		said := func(m *anthropic.Message) string {
			b := m.Content[0]
			if b.Type == "tool_use" {
				return sdktest.CallOf(b.Name, string(b.Input))
			}
			return b.Text
		}
		return sdktest.Client{
			Provider: "anthropic", Tries: 3,
			Ask: func(ctx context.Context, prompt string) (string, error) {
				m, err := client.Messages.New(ctx, params(prompt))
				if err != nil {
					return "", err
				}
				return said(m), nil
			},
			Stream: func(ctx context.Context, prompt string, piece func(string)) (string, error) {
				s := client.Messages.NewStreaming(ctx, params(prompt))
				defer s.Close()
				var m anthropic.Message
				for s.Next() {
					e := s.Current()
					if err := m.Accumulate(e); err != nil {
						return "", err
					}
					if e.Delta.Text != "" && piece != nil {
						piece(e.Delta.Text)
					}
				}
				if s.Err() != nil {
					return "", s.Err()
				}
				return said(&m), nil
			},
		}
	})
}
