package troupelangchain

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tmc/langchaingo/llms"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/pricing"
)

// reasons are the finish reasons of OpenAI's API for those of others.
var reasons = map[string]string{
	"end_turn": "stop", "stop_sequence": "stop", "STOP": "stop", "FinishReasonStop": "stop", "tool_use": "tool_calls",
	"max_tokens": "length", "MAX_TOKENS": "length", "FinishReasonMaxTokens": "length",
}

// resultOf returns a response as a chat completion of OpenAI's API.
func resultOf(id string, at time.Time, resp *llms.ContentResponse) genai.Chat {
	c := genai.Chat{ID: id, Object: genai.ChatObject, Choices: []genai.ChatChoice{}, Created: strconv.AppendInt(nil, at.Unix(), 10)}
	if resp == nil {
		return c
	}
	for i, from := range resp.Choices {
		if from == nil {
			continue
		}
		choice := genai.ChatChoice{Index: i, Message: genai.ChatMessage{
			Role: "assistant", Reasoning: from.ReasoningContent, ToolCalls: callsOf(from),
		}}
		choice.Message.AddText(from.Content)
		why := from.StopReason
		if known, ok := reasons[why]; ok {
			why = known
		}
		if why != "" {
			choice.FinishReason = &why
		}
		c.Choices = append(c.Choices, choice)
		if c.Usage == nil {
			c.Usage = usageOf(from.GenerationInfo)
		}
	}
	return c
}

// callsOf returns the tool calls in a choice, in the newer or the older form.
func callsOf(c *llms.ContentChoice) []genai.ChatCall {
	if len(c.ToolCalls) == 0 && c.FuncCall != nil {
		return []genai.ChatCall{{Type: "function", Function: genai.ChatFunction(*c.FuncCall)}}
	}
	var calls []genai.ChatCall
	for _, from := range c.ToolCalls {
		call := genai.ChatCall{ID: from.ID, Type: "function"}
		if from.FunctionCall != nil {
			call.Function = genai.ChatFunction(*from.FunctionCall)
		}
		calls = append(calls, call)
	}
	return calls
}

// usageOf returns the usage that a provider's package passes on under its own names; nil if
// there is none. OpenAI and Google count tokens that were read from a cache in the input,
// Anthropic beside it.
func usageOf(info map[string]any) json.RawMessage {
	count := func(names ...string) (sum int64, ok bool) {
		for _, name := range names {
			if n, is := number(info[name]); is {
				return n, true
			}
		}
		return 0, false
	}
	in, hasIn := count("PromptTokens", "InputTokens", "input_tokens")
	out, hasOut := count("CompletionTokens", "OutputTokens", "output_tokens")
	if !hasIn && !hasOut || in+out == 0 {
		return nil
	}
	read, _ := count("CacheReadInputTokens")
	written, _ := count("CacheCreationInputTokens")
	u := pricing.Usage{Input: in + read + written, Output: out, CacheWrite: written}
	u.CacheRead, _ = count("PromptCachedTokens", "CacheReadInputTokens")
	u.Reasoning, _ = count("ReasoningTokens", "ThinkingTokens")
	u.Total, _ = count("TotalTokens", "total_tokens")
	u.Total = max(u.Total, u.Input+u.Output)
	return genai.EncodeUsage(u)
}

// number returns a count of any type of number.
func number(v any) (int64, bool) {
	raw, err := json.Marshal(v)
	if err != nil || v == nil {
		return 0, false
	}
	var f float64
	if json.Unmarshal(raw, &f) != nil {
		return 0, false
	}
	return int64(f), true
}
