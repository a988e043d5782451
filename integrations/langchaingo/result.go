package troupelangchain

import (
	"encoding/json"
	"time"

	"github.com/tmc/langchaingo/llms"
)

// completion is an answer in the form of a chat completion of OpenAI's API.
type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

type choice struct {
	Index        int    `json:"index"`
	FinishReason string `json:"finish_reason,omitempty"`
	Message      answer `json:"message"`
}

type answer struct {
	Role      string     `json:"role"`
	Content   string     `json:"content"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

// toolCall is a call in OpenAI's form; llms.ToolCall has a JSON form of its own.
type toolCall struct {
	ID       string            `json:"id,omitempty"`
	Type     string            `json:"type"`
	Function llms.FunctionCall `json:"function"`
}

type usage struct {
	Prompt     int64            `json:"prompt_tokens"`
	Completion int64            `json:"completion_tokens"`
	Total      int64            `json:"total_tokens"`
	OfPrompt   map[string]int64 `json:"prompt_tokens_details,omitempty"`
	OfAnswer   map[string]int64 `json:"completion_tokens_details,omitempty"`
	CacheWrite int64            `json:"cache_creation_input_tokens,omitempty"`
}

// reasons are the finish reasons of OpenAI's API for those of others.
var reasons = map[string]string{
	"end_turn": "stop", "stop_sequence": "stop", "STOP": "stop", "FinishReasonStop": "stop", "tool_use": "tool_calls",
	"max_tokens": "length", "MAX_TOKENS": "length", "FinishReasonMaxTokens": "length",
}

func resultOf(id string, at time.Time, resp *llms.ContentResponse) any {
	c := completion{ID: id, Object: "chat.completion", Created: at.Unix(), Choices: []choice{}}
	if resp == nil {
		return c
	}
	for i, from := range resp.Choices {
		if from == nil {
			continue
		}
		why := from.StopReason
		if known, ok := reasons[why]; ok {
			why = known
		}
		c.Choices = append(c.Choices, choice{Index: i, FinishReason: why, Message: answer{
			Role: "assistant", Content: from.Content, Reasoning: from.ReasoningContent, ToolCalls: callsOf(from),
		}})
		if c.Usage == nil {
			c.Usage = usageOf(from.GenerationInfo)
		}
	}
	return c
}

// callsOf returns the calls of tools that a choice asks for, in the newer or the older
// form.
func callsOf(c *llms.ContentChoice) []toolCall {
	if len(c.ToolCalls) == 0 && c.FuncCall != nil {
		return []toolCall{{Type: "function", Function: *c.FuncCall}}
	}
	var calls []toolCall
	for _, from := range c.ToolCalls {
		call := toolCall{ID: from.ID, Type: "function"}
		if from.FunctionCall != nil {
			call.Function = *from.FunctionCall
		}
		calls = append(calls, call)
	}
	return calls
}

// usageOf returns the usage that a provider's package passes on, under its own names; nil
// for none. What was read from a cache is counted in the input by OpenAI and Google, and
// beside it by Anthropic.
func usageOf(info map[string]any) *usage {
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
	u := &usage{Prompt: in + read + written, Completion: out, CacheWrite: written}
	if total, ok := count("TotalTokens", "total_tokens"); ok && total >= u.Prompt+out {
		u.Total = total
	} else {
		u.Total = u.Prompt + out
	}
	if cached, ok := count("PromptCachedTokens", "CacheReadInputTokens"); ok && cached > 0 {
		u.OfPrompt = map[string]int64{"cached_tokens": cached}
	}
	if thought, ok := count("ReasoningTokens", "ThinkingTokens"); ok && thought > 0 {
		u.OfAnswer = map[string]int64{"reasoning_tokens": thought}
	}
	return u
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
