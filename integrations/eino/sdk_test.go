package troupeeino_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/cloudwego/eino-ext/components/model/openai"
	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/schema"

	troupeeino "github.com/troupelog/troupe/integrations/eino"
	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/internal/sdktest"
)

// TestModelsOfEinoExt calls a real model of eino's.
func TestModelsOfEinoExt(t *testing.T) {
	sdktest.Run(t, func(t *testing.T, url string) sdktest.Client {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		m, err := openai.NewChatModel(t.Context(), &openai.ChatModelConfig{
			BaseURL: url + "/v1", APIKey: "k", Model: sdktest.ModelName, HTTPClient: &http.Client{Transport: transport},
		})
		if err != nil {
			t.Fatal(err)
		}
		bound, err := m.WithTools([]*schema.ToolInfo{{Name: modelserver.ToolName, Desc: "tells the weather"}})
		if err != nil {
			t.Fatal(err)
		}
		h := troupeeino.New(nil)
		with := func(ctx context.Context) context.Context {
			return callbacks.InitCallbacks(ctx, &callbacks.RunInfo{Type: "OpenAI", Component: "ChatModel"}, h)
		}
		said := func(m *schema.Message) string {
			if len(m.ToolCalls) > 0 {
				return sdktest.CallOf(m.ToolCalls[0].Function.Name, m.ToolCalls[0].Function.Arguments)
			}
			return m.Content
		}
		return sdktest.Client{
			Provider: "openai", Tries: 1, AboveHTTP: true, Settle: h.Wait,
			Ask: func(ctx context.Context, prompt string) (string, error) {
				m, err := bound.Generate(with(ctx), []*schema.Message{schema.UserMessage(prompt)})
				if err != nil {
					return "", err
				}
				return said(m), nil
			},
			Stream: func(ctx context.Context, prompt string, piece func(string)) (string, error) {
				s, err := bound.Stream(with(ctx), []*schema.Message{schema.UserMessage(prompt)})
				if err != nil {
					return "", err
				}
				defer s.Close()
				var all []*schema.Message
				for {
					m, err := s.Recv()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						return "", err
					}
					if m.Content != "" && piece != nil {
						piece(m.Content)
					}
					all = append(all, m)
				}
				whole, err := schema.ConcatMessages(all)
				if err != nil {
					return "", err
				}
				return said(whole), nil
			},
		}
	})
}
