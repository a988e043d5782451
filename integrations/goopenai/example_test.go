package troupegoopenai_test

import (
	"context"
	"fmt"
	"net/http"

	openai "github.com/sashabaranov/go-openai"

	troupegoopenai "github.com/troupelog/troupe/integrations/goopenai"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

func Example() {
	sdktest.Play(func(ctx context.Context, url string) error {
		config := openai.DefaultConfig("none")
		config.BaseURL = url + "/v1" // a server on this machine
		client := openai.NewClientWithConfig(troupegoopenai.Log(config, llm.Options{}))
		r, err := client.CreateChatCompletion(ctx, openai.ChatCompletionRequest{
			Model:    "gpt-5.2",
			Messages: []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleUser, Content: "scene hello"}},
		})
		if err != nil {
			return err
		}
		fmt.Println(r.Choices[0].Message.Content)
		http.DefaultClient.CloseIdleConnections()
		return nil
	})
	// Output:
	// Hello there.
	// 6 lines delivered
}
