package troupeopenai_test

import (
	"context"
	"fmt"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	troupeopenai "github.com/troupelog/troupe/integrations/openai"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

func Example() {
	sdktest.Play(func(ctx context.Context, url string) error {
		client := openai.NewClient(
			option.WithBaseURL(url+"/v1"), option.WithAPIKey("none"), // a server on this machine
			troupeopenai.Log(llm.Options{}),
		)
		c, err := client.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
			Model:    "gpt-5.2",
			Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("scene hello")},
		})
		if err != nil {
			return err
		}
		fmt.Println(c.Choices[0].Message.Content)
		return nil
	})
	// Output:
	// Hello there.
	// 6 lines delivered
}
