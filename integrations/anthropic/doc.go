// Package troupeanthropic logs the calls that the official SDK of Anthropic makes,
// github.com/anthropics/anthropic-sdk-go, with one option:
//
//	client := anthropic.NewClient(troupeanthropic.Log(llm.Options{}))
//
// Messages become generations in the span or trace of the context that a call is given
// (logger.NewContext, logger.StartTrace); without one a call is not logged. The attempts
// that the SDK makes for a call are one generation. Package llm documents the
// recorded fields; a call behaves as without it.
//
// The SDK can make OpenTelemetry spans of its calls too. Where these come to Troupe as
// well, a call is logged twice: use one of the two.
package troupeanthropic
