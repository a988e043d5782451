package troupelangchain

import (
	"fmt"
	"strings"

	"github.com/tmc/langchaingo/llms"

	"github.com/troupelog/troupe/logger"
)

// providerOf returns the name of the package of a model, which is the provider's but for
// some.
func providerOf(m llms.Model) string {
	name, _, _ := strings.Cut(strings.TrimLeft(fmt.Sprintf("%T", m), "*"), ".")
	switch name {
	case "googleai", "palm":
		return "google"
	case "vertex":
		return "vertex_ai"
	default:
		return name
	}
}

// roles are the roles of OpenAI's API for those of langchaingo.
var roles = map[llms.ChatMessageType]string{
	llms.ChatMessageTypeHuman: "user", llms.ChatMessageTypeGeneric: "user", llms.ChatMessageTypeAI: "assistant",
	llms.ChatMessageTypeSystem: "system", llms.ChatMessageTypeTool: "tool", llms.ChatMessageTypeFunction: "function",
}

// messagesOf returns a message in the form of OpenAI's API, in which each answer of a
// tool is a message of its own.
func messagesOf(m llms.MessageContent) []logger.Message {
	var all []logger.Message
	out := logger.Message{Role: roles[m.Role]}
	if out.Role == "" {
		out.Role = string(m.Role)
	}
	var texts []string
	var parts []any
	rich := false
	for _, part := range m.Parts {
		switch p := part.(type) {
		case llms.TextContent:
			texts = append(texts, p.Text)
			parts = append(parts, map[string]any{"type": "text", "text": p.Text})
		case llms.ImageURLContent:
			rich = true
			parts = append(parts, imagePart(p.URL, p.Detail))
		case llms.BinaryContent:
			rich = true
			parts = append(parts, binaryPart(p))
		case llms.ToolCall:
			call := logger.MessageToolCall{ID: p.ID}
			if p.FunctionCall != nil {
				call.Name, call.Arguments = p.FunctionCall.Name, p.FunctionCall.Arguments
			}
			out.ToolCalls = append(out.ToolCalls, call)
		case llms.ToolCallResponse:
			all = append(all, logger.Message{Role: "tool", Content: p.Content, Name: p.Name, ToolCallID: p.ToolCallID})
		default:
			rich = true
			parts = append(parts, part)
		}
	}
	switch {
	case rich:
		out.Content = parts
	case len(texts) > 0:
		out.Content = strings.Join(texts, "\n")
	case len(out.ToolCalls) == 0 && len(all) > 0:
		return all
	}
	return append(all, out)
}

// imagePart returns an image in the form of OpenAI's API.
func imagePart(url, detail string) any {
	image := map[string]any{"url": url}
	if detail != "" {
		image["detail"] = detail
	}
	return map[string]any{"type": "image_url", "image_url": image}
}

// binaryPart returns data in the form of OpenAI's API, which the logger turns into an
// attachment where it can.
func binaryPart(b llms.BinaryContent) any {
	if strings.HasPrefix(b.MIMEType, "image/") {
		return imagePart(b.String(), "")
	}
	return map[string]any{"type": "file", "file": map[string]any{"file_data": b.String()}}
}

// parametersOf returns the options of a call that are set.
func parametersOf(c *llms.CallOptions) map[string]any {
	p := map[string]any{}
	set := func(name string, value any, is bool) {
		if is {
			p[name] = value
		}
	}
	set("max_tokens", c.MaxTokens, c.MaxTokens != 0)
	set("temperature", c.Temperature, c.Temperature != 0)
	set("top_p", c.TopP, c.TopP != 0)
	set("top_k", c.TopK, c.TopK != 0)
	set("n", c.N, c.N != 0)
	set("candidate_count", c.CandidateCount, c.CandidateCount != 0)
	set("seed", c.Seed, c.Seed != 0)
	set("stop", c.StopWords, len(c.StopWords) > 0)
	set("min_length", c.MinLength, c.MinLength != 0)
	set("max_length", c.MaxLength, c.MaxLength != 0)
	set("repetition_penalty", c.RepetitionPenalty, c.RepetitionPenalty != 0)
	set("frequency_penalty", c.FrequencyPenalty, c.FrequencyPenalty != 0)
	set("presence_penalty", c.PresencePenalty, c.PresencePenalty != 0)
	set("json_mode", true, c.JSONMode)
	set("response_mime_type", c.ResponseMIMEType, c.ResponseMIMEType != "")
	set("tools", c.Tools, len(c.Tools) > 0)
	set("tool_choice", c.ToolChoice, c.ToolChoice != nil)
	set("functions", c.Functions, len(c.Functions) > 0)
	set("stream", true, c.StreamingFunc != nil || c.StreamingReasoningFunc != nil)
	return p
}
