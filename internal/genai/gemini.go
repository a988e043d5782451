package genai

import (
	"encoding/json"
	"strings"
	"time"
)

// geminiReasons are the reasons of generateContent that OpenAI has a name for.
var geminiReasons = map[string]string{
	"STOP":                     stopped,
	"MAX_TOKENS":               tooLong,
	"SAFETY":                   filtered,
	"RECITATION":               filtered,
	"BLOCKLIST":                filtered,
	"PROHIBITED_CONTENT":       filtered,
	"SPII":                     filtered,
	"MODEL_ARMOR":              filtered,
	"IMAGE_SAFETY":             filtered,
	"IMAGE_PROHIBITED_CONTENT": filtered,
	"IMAGE_RECITATION":         filtered,
}

type geminiCandidate struct {
	Content *struct {
		Parts []json.RawMessage `json:"parts"`
	} `json:"content"`
	FinishReason  string `json:"finishReason"`
	FinishMessage string `json:"finishMessage"`
}

type geminiFeedback struct {
	BlockReason        string `json:"blockReason"`
	BlockReasonMessage string `json:"blockReasonMessage"`
}

// fromGemini makes a chat completion of a generateContent answer. A blocked prompt
// becomes one choice with a refusal. It is false for what only resembles an answer.
func fromGemini(raw []byte, usage json.RawMessage) (*chatCompletion, bool) {
	var w struct {
		ResponseID     string            `json:"responseId"`
		ModelVersion   string            `json:"modelVersion"`
		CreateTime     string            `json:"createTime"`
		Candidates     []geminiCandidate `json:"candidates"`
		PromptFeedback geminiFeedback    `json:"promptFeedback"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return nil, false
	}
	out := &chatCompletion{ID: w.ResponseID, Model: w.ModelVersion, Choices: []choice{}, Usage: usageFrom(usage)}
	if created, err := time.Parse(time.RFC3339Nano, w.CreateTime); err == nil {
		out.Created = created.Unix()
	}
	for _, candidate := range w.Candidates {
		c, ok := candidate.choice()
		if !ok {
			return nil, false
		}
		out.Choices = append(out.Choices, c)
	}
	if len(out.Choices) > 0 {
		return out, true
	}
	if w.PromptFeedback.BlockReason != "" {
		out.Choices = append(out.Choices, w.PromptFeedback.choice())
		return out, true
	}
	return out, w.ModelVersion != "" && out.Usage != nil
}

func (g *geminiCandidate) choice() (choice, bool) {
	var c choice
	if g.Content == nil && g.FinishReason == "" {
		return c, false
	}
	if g.Content != nil {
		for _, raw := range g.Content.Parts {
			if !addGeminiPart(&c.Message, raw) {
				return c, false
			}
		}
	}
	c.FinishReason = finishReason(g.FinishReason, geminiReasons)
	switch {
	case c.FinishReason == nil:
	case *c.FinishReason == filtered:
		c.Message.Refusal = g.FinishMessage
	case *c.FinishReason == stopped && len(c.Message.ToolCalls) > 0:
		// Gemini has no reason of its own for this.
		*c.FinishReason = callsTool
	}
	return c, true
}

func (f *geminiFeedback) choice() choice {
	refusal := f.BlockReasonMessage
	if refusal == "" {
		refusal = "the prompt was blocked: " + f.BlockReason
	}
	reason := filtered
	return choice{Message: message{Refusal: refusal}, FinishReason: &reason}
}

func addGeminiPart(m *message, raw json.RawMessage) bool {
	var w struct {
		Text         *string `json:"text"`
		Thought      bool    `json:"thought"`
		FunctionCall *struct {
			ID   string          `json:"id"`
			Name string          `json:"name"`
			Args json.RawMessage `json:"args"`
		} `json:"functionCall"`
		InlineData *struct {
			MIMEType string `json:"mimeType"`
			Data     string `json:"data"`
		} `json:"inlineData"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return false
	}
	switch {
	case w.FunctionCall != nil:
		m.addCall(w.FunctionCall.ID, w.FunctionCall.Name, w.FunctionCall.Args)
	case w.Text != nil && w.Thought:
		m.Reasoning += *w.Text
	case w.Text != nil:
		m.addText(*w.Text)
	case w.InlineData != nil && strings.HasPrefix(w.InlineData.MIMEType, "image/"):
		return m.addImage("data:" + w.InlineData.MIMEType + ";base64," + w.InlineData.Data)
	case !onlySigned(raw):
		m.addOther(raw)
	}
	return true
}

// addImage adds a picture that the model drew.
func (m *message) addImage(url string) bool {
	raw, err := marshal(struct {
		Type string `json:"type"`
		URL  string `json:"image_url"`
	}{"image_url", url})
	if err == nil {
		m.addOther(raw)
	}
	return err == nil
}

// onlySigned reports whether a part has no content: Gemini signs thoughts in parts
// of their own.
func onlySigned(raw json.RawMessage) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return false
	}
	for name := range members {
		if name != "thought" && name != "thoughtSignature" {
			return false
		}
	}
	return true
}
