package troupegenai_test

import (
	"context"
	"fmt"

	"google.golang.org/genai"

	troupegenai "github.com/troupelog/troupe/integrations/genai"
	"github.com/troupelog/troupe/internal/sdktest"
	"github.com/troupelog/troupe/llm"
)

func Example() {
	sdktest.Play(func(ctx context.Context, url string) error {
		client, err := troupegenai.NewClient(ctx, &genai.ClientConfig{
			APIKey: "none", HTTPOptions: genai.HTTPOptions{BaseURL: url}, // a server on this machine
		}, llm.Options{})
		if err != nil {
			return err
		}
		defer client.ClientConfig().HTTPClient.CloseIdleConnections()
		r, err := client.Models.GenerateContent(ctx, "gemini-2.5-flash", genai.Text("scene hello"), nil)
		if err != nil {
			return err
		}
		fmt.Println(r.Text())
		return nil
	})
	// Output:
	// Hello there.
	// 6 lines delivered
}
