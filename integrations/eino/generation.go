package troupeeino

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/schema"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/pricing"
)

// providerOf returns who answers: models of eino are named for that, but for some.
func providerOf(info *callbacks.RunInfo) string {
	switch name := strings.ToLower(info.Type); name {
	case "claude":
		return "anthropic"
	case "gemini":
		return "google"
	default:
		return name
	}
}

// generationOf returns what a model is sent.
func generationOf(in *model.CallbackInput) logger.GenerationConfig {
	var c logger.GenerationConfig
	if in == nil {
		return c
	}
	for _, m := range in.Messages {
		if m != nil {
			c.Messages = append(c.Messages, messageOf(m))
		}
	}
	c.ModelParameters = parametersOf(in.Config)
	if tools := toolsOf(in.Tools); tools != nil {
		c.ModelParameters["tools"] = tools
	}
	if in.ToolChoice != nil {
		c.ModelParameters["tool_choice"] = string(*in.ToolChoice)
	}
	if in.Config != nil {
		c.Model = in.Config.Model
	}
	return c
}

// parametersOf returns the parameters that are set.
func parametersOf(c *model.Config) map[string]any {
	p := map[string]any{}
	if c == nil {
		return p
	}
	if c.MaxTokens != 0 {
		p["max_tokens"] = c.MaxTokens
	}
	if c.Temperature != 0 {
		p["temperature"] = c.Temperature
	}
	if c.TopP != 0 {
		p["top_p"] = c.TopP
	}
	if len(c.Stop) > 0 {
		p["stop"] = c.Stop
	}
	return p
}

// toolsOf returns tools in the form of OpenAI's API.
func toolsOf(infos []*schema.ToolInfo) []any {
	var tools []any
	for _, info := range infos {
		if info == nil {
			continue
		}
		f := map[string]any{"name": info.Name, "description": info.Desc}
		if info.ParamsOneOf != nil {
			if s, err := info.ParamsOneOf.ToJSONSchema(); err == nil && s != nil {
				f["parameters"] = s
			}
		}
		tools = append(tools, map[string]any{"type": "function", "function": f})
	}
	return tools
}

// messageOf returns a message in the form of OpenAI's API.
func messageOf(m *schema.Message) logger.Message {
	out := logger.Message{Role: string(m.Role), Content: contentOf(m), Name: m.Name, ToolCallID: m.ToolCallID}
	for _, c := range m.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, logger.MessageToolCall{ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments})
	}
	return out
}

// contentOf returns the content of a message: text, or parts.
func contentOf(m *schema.Message) any {
	var parts []any
	for i := range m.UserInputMultiContent {
		p := &m.UserInputMultiContent[i]
		switch {
		case p.Image != nil:
			parts = append(parts, imagePart(p.Image.MessagePartCommon, string(p.Image.Detail)))
		case p.Type == schema.ChatMessagePartTypeText:
			parts = append(parts, map[string]any{"type": "text", "text": p.Text})
		default:
			parts = append(parts, p)
		}
	}
	for i := range m.AssistantGenMultiContent {
		p := &m.AssistantGenMultiContent[i]
		switch {
		case p.Image != nil:
			parts = append(parts, imagePart(p.Image.MessagePartCommon, ""))
		case p.Type == schema.ChatMessagePartTypeText:
			parts = append(parts, map[string]any{"type": "text", "text": p.Text})
		default:
			parts = append(parts, p)
		}
	}
	for i := range m.MultiContent {
		parts = append(parts, &m.MultiContent[i]) // deprecated, and in OpenAI's form
	}
	if parts != nil {
		return parts
	}
	return m.Content
}

// imagePart returns an image in the form of OpenAI's API, which the logger turns into an
// attachment.
func imagePart(c schema.MessagePartCommon, detail string) any {
	image := map[string]any{}
	switch {
	case c.Base64Data != nil:
		image["url"] = "data:" + c.MIMEType + ";base64," + *c.Base64Data
	case c.URL != nil:
		image["url"] = *c.URL
	}
	if detail != "" {
		image["detail"] = detail
	}
	return map[string]any{"type": "image_url", "image_url": image}
}

// firstChunk logs how long the first chunk of a model's stream took.
func (r *run) firstChunk() {
	if r.model != (logger.Generation{}) {
		r.model.AddMetric("time_to_first_token_ms", float64(time.Since(r.start).Microseconds())/1000)
	}
}

// modelOutput logs what a model answered, and reports whether it could.
func (r *run) modelOutput(out *model.CallbackOutput) bool {
	if out == nil {
		return false
	}
	c := completion{ID: r.model.ID(), Object: "chat.completion", Created: r.start.Unix(), Usage: usageOf(out)}
	if out.Config != nil {
		c.Model = out.Config.Model
	}
	choice := choice{Message: answer{Role: string(schema.Assistant), Content: ""}}
	if m := out.Message; m != nil {
		choice.Message = answer{Role: string(m.Role), Content: contentOf(m), ToolCalls: m.ToolCalls, Reasoning: m.ReasoningContent}
		if m.ResponseMeta != nil {
			choice.FinishReason = m.ResponseMeta.FinishReason
		}
	}
	c.Choices = []any{choice}
	if c.Model != "" && c.Model != r.asked {
		r.model.SetModel(c.Model)
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return false
	}
	r.model.Result(json.RawMessage(raw))
	return true
}

// completion is an answer in the form of a chat completion of OpenAI's API.
type completion struct {
	ID      string          `json:"id"`
	Object  string          `json:"object"`
	Created int64           `json:"created"`
	Model   string          `json:"model,omitempty"`
	Choices []any           `json:"choices"`
	Usage   json.RawMessage `json:"usage,omitempty"`
}

type choice struct {
	Index        int    `json:"index"`
	FinishReason string `json:"finish_reason,omitempty"`
	Message      answer `json:"message"`
}

type answer struct {
	Role      string            `json:"role"`
	Content   any               `json:"content"`
	ToolCalls []schema.ToolCall `json:"tool_calls,omitempty"`
	Reasoning string            `json:"reasoning_content,omitempty"`
}

// usageOf returns the usage of a call: the callback's, else the message's; nil if there is
// none.
func usageOf(out *model.CallbackOutput) json.RawMessage {
	var u pricing.Usage
	switch m := out.Message; {
	case out.TokenUsage != nil:
		t := out.TokenUsage
		u = pricing.Usage{Input: int64(t.PromptTokens), Output: int64(t.CompletionTokens), Total: int64(t.TotalTokens)}
		u.CacheRead, u.Reasoning = int64(t.PromptTokenDetails.CachedTokens), int64(t.CompletionTokensDetails.ReasoningTokens)
	case m != nil && m.ResponseMeta != nil && m.ResponseMeta.Usage != nil:
		t := m.ResponseMeta.Usage
		u = pricing.Usage{Input: int64(t.PromptTokens), Output: int64(t.CompletionTokens), Total: int64(t.TotalTokens)}
		u.CacheRead, u.Reasoning = int64(t.PromptTokenDetails.CachedTokens), int64(t.CompletionTokensDetails.ReasoningTokens)
	default:
		return nil
	}
	return genai.EncodeUsage(u)
}
