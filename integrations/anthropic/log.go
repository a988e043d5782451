package troupeanthropic

import (
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/troupelog/troupe/llm"
)

// Log returns the option of a client, or of one call, that logs. Given both, a call is
// logged once. It may be used concurrently.
func Log(o llm.Options) option.RequestOption { return option.WithMiddleware(o.Middleware) }
