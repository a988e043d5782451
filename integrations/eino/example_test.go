package troupeeino_test

import (
	"context"
	"fmt"

	"github.com/cloudwego/eino-ext/components/model/openai"
	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/schema"

	troupeeino "github.com/troupelog/troupe/integrations/eino"
	"github.com/troupelog/troupe/internal/sdktest"
)

func Example() {
	callbacks.AppendGlobalHandlers(troupeeino.New(nil)) // with the logger of each context
	sdktest.Play(func(ctx context.Context, url string) error {
		model, err := openai.NewChatModel(ctx, &openai.ChatModelConfig{
			BaseURL: url + "/v1", APIKey: "none", Model: "gpt-5.2", // a server on this machine
		})
		if err != nil {
			return err
		}
		chain := compose.NewChain[[]*schema.Message, *schema.Message]()
		chain.AppendChatModel(model)
		run, err := chain.Compile(ctx, compose.WithGraphName("answer"))
		if err != nil {
			return err
		}
		m, err := run.Invoke(ctx, []*schema.Message{schema.UserMessage("scene hello")})
		if err != nil {
			return err
		}
		fmt.Println(m.Content)
		return nil
	})
	// Output:
	// Hello there.
	// 8 lines delivered
}
