package troupeanthropic_test

import (
	"context"
	"fmt"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	troupeanthropic "github.com/troupelog/troupe/integrations/anthropic"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

func Example() {
	sdktest.Play(func(ctx context.Context, url string) error {
		client := anthropic.NewClient(
			option.WithBaseURL(url), option.WithAPIKey("none"), // a server on this machine
			troupeanthropic.Log(llm.Options{}),
		)
		m, err := client.Messages.New(ctx, anthropic.MessageNewParams{
			Model: "claude-opus-4-5", MaxTokens: 1000,
			Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("scene hello"))},
		})
		if err != nil {
			return err
		}
		fmt.Println(m.Content[0].Text)
		return nil
	})
	// Output:
	// Hello there.
	// 6 lines delivered
}
