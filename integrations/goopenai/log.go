package troupegoopenai

import (
	"net/http"

	openai "github.com/sashabaranov/go-openai"

	"github.com/troupelog/troupe/llm"
)

// Log returns the configuration of a client that logs. Its HTTP client is the one of c,
// or http.DefaultClient where that has none, wrapped by the logging transport.
func Log(c openai.ClientConfig, o llm.Options) openai.ClientConfig {
	next := c.HTTPClient
	if next == nil {
		next = http.DefaultClient
	}
	c.HTTPClient = doer{next, o}
	return c
}

type doer struct {
	next    openai.HTTPDoer
	options llm.Options
}

// Do implements openai.HTTPDoer.
func (d doer) Do(r *http.Request) (*http.Response, error) {
	return d.options.Middleware(r, d.next.Do)
}
