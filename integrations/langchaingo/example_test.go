package troupelangchain_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tmc/langchaingo/chains"
	"github.com/tmc/langchaingo/llms/openai"
	"github.com/tmc/langchaingo/prompts"

	troupelangchain "github.com/troupelog/troupe/integrations/langchaingo"
	"github.com/troupelog/troupe/internal/sdktest"
)

func Example() {
	sdktest.Play(func(ctx context.Context, url string) error {
		defer http.DefaultClient.CloseIdleConnections()
		gpt, err := openai.New(openai.WithBaseURL(url+"/v1"), openai.WithToken("none"), openai.WithModel("gpt-5.2")) // a server on this machine
		if err != nil {
			return err
		}
		model := troupelangchain.Model(gpt, troupelangchain.Options{Model: "gpt-5.2"})
		chain := chains.NewLLMChain(model, prompts.NewPromptTemplate("Play the scene {{.name}}: scene {{.name}}", []string{"name"}))
		said, err := chains.Run(ctx, chain, "hello")
		if err != nil {
			return err
		}
		fmt.Println(said)
		return nil
	})
	// Output:
	// Hello there.
	// 5 lines delivered
}
