package troupegenai_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"google.golang.org/genai"

	troupegenai "github.com/troupelog/troupe/integrations/genai"
	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

func dial(t *testing.T, url string) *genai.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := &genai.ClientConfig{
		APIKey: "k", Backend: genai.BackendGeminiAPI, HTTPClient: &http.Client{Transport: transport}, HTTPOptions: genai.HTTPOptions{BaseURL: url},
	}
	client, err := troupegenai.NewClient(t.Context(), c, llm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPClient.Transport != transport {
		t.Error("the caller's HTTP client was changed")
	}
	return client
}

func TestGenerateContent(t *testing.T) {
	sdktest.Run(t, func(t *testing.T, url string) sdktest.Client {
		models := dial(t, url).Models
		config := &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: modelserver.ToolName}}}}}
		said := func(r *genai.GenerateContentResponse) (string, error) {
			if calls := r.FunctionCalls(); len(calls) > 0 {
				args, err := json.Marshal(calls[0].Args)
				return sdktest.CallOf(calls[0].Name, string(args)), err
			}
			return r.Text(), nil
		}
		return sdktest.Client{
			Provider: "google", Tries: 1,
			Ask: func(ctx context.Context, prompt string) (string, error) {
				r, err := models.GenerateContent(ctx, sdktest.ModelName, genai.Text(prompt), config)
				if err != nil {
					return "", err
				}
				return said(r)
			},
			Stream: func(ctx context.Context, prompt string, piece func(string)) (string, error) {
				var all string
				for r, err := range models.GenerateContentStream(ctx, sdktest.ModelName, genai.Text(prompt), config) {
					if err != nil {
						return all, err
					}
					text, err := said(r)
					if err != nil {
						return all, err
					}
					all += text
					if piece != nil {
						piece(text)
					}
				}
				return all, nil
			},
		}
	})
}

func TestAClientOfItsOwn(t *testing.T) {
	c := &genai.ClientConfig{APIKey: "k", Backend: genai.BackendGeminiAPI}
	client, err := troupegenai.NewClient(t.Context(), c, llm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPClient != nil {
		t.Error("the configuration was changed")
	}
	if client.ClientConfig().HTTPClient.Transport == nil {
		t.Error("the client does not log")
	}
}

func TestAConfigurationThatIsWrong(t *testing.T) {
	for _, name := range []string{"GOOGLE_API_KEY", "GEMINI_API_KEY"} {
		t.Setenv(name, "")
	}
	if _, err := troupegenai.NewClient(t.Context(), nil, llm.Options{}); err == nil {
		t.Error("no key, and no error")
	}
}
