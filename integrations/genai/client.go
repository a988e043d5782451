package troupegenai

import (
	"context"

	"google.golang.org/genai"

	"github.com/troupelog/troupe/llm"
)

// NewClient is genai.NewClient for a client that logs. The configuration, with an
// HTTPClient in it, stays as it is: its transport is wrapped in a copy. The transport that
// genai makes where there is none, with the credentials of Vertex AI, is wrapped as well.
// A nil configuration means the one of the environment. It returns the errors of genai.NewClient.
func NewClient(ctx context.Context, c *genai.ClientConfig, o llm.Options) (*genai.Client, error) {
	var own genai.ClientConfig
	if c != nil {
		own = *c
	}
	if own.HTTPClient != nil {
		mine := *own.HTTPClient
		own.HTTPClient = &mine
	}
	client, err := genai.NewClient(ctx, &own)
	if err != nil {
		return nil, err
	}
	// By now genai has an HTTP client, its own or the copy, and nothing was sent with it.
	hc := client.ClientConfig().HTTPClient
	hc.Transport = llm.Transport(hc.Transport, o)
	return client, nil
}
