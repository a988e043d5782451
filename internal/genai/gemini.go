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

// geminiCandidate is one of the responses to a prompt.
type geminiCandidate struct {
	Content *struct {
		Parts []json.RawMessage `json:"parts"`
	} `json:"content"`
	FinishReason  string `json:"finishReason"`
	FinishMessage string `json:"finishMessage"`
}

// geminiFeedback says why a prompt was blocked.
type geminiFeedback struct {
	BlockReason        string `json:"blockReason"`
	BlockReasonMessage string `json:"blockReasonMessage"`
}

// fromGemini makes a chat completion of a generateContent response. A blocked prompt
// becomes one choice with a refusal. It returns false for JSON that only resembles a
// response, such as the candidates of an election.
func fromGemini(raw []byte, usage json.RawMessage) (*Chat, bool) {
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
	out := &Chat{ID: w.ResponseID, Model: w.ModelVersion, Choices: []ChatChoice{}, Usage: usageFrom(usage)}
	if created, err := time.Parse(time.RFC3339Nano, w.CreateTime); err == nil && created.Unix() > 0 {
		out.Created = unixTime(created)
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

// choice returns the candidate as a choice, and false if it has neither content nor a reason
// to stop: it is then no candidate of Gemini's.
func (g *geminiCandidate) choice() (ChatChoice, bool) {
	var c ChatChoice
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
		// Gemini says STOP for calls too.
		*c.FinishReason = callsTool
	}
	return c, true
}

// choice returns a blocked prompt as a choice: a refusal is a response, not an error.
func (f *geminiFeedback) choice() ChatChoice {
	refusal := f.BlockReasonMessage
	if refusal == "" {
		refusal = "the prompt was blocked: " + f.BlockReason
	}
	reason := filtered
	return ChatChoice{Message: ChatMessage{Refusal: refusal}, FinishReason: &reason}
}

// addGeminiPart adds a part of a candidate's content to a message. Images become image_url
// parts with a data URL, which viewers can show; other media stay unchanged.
func addGeminiPart(m *ChatMessage, raw json.RawMessage) bool {
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
		m.AddText(*w.Text)
	case w.InlineData != nil && strings.HasPrefix(w.InlineData.MIMEType, "image/"):
		return m.addImage("data:" + w.InlineData.MIMEType + ";base64," + w.InlineData.Data)
	case !onlySigned(raw):
		m.AddPart(raw)
	}
	return true
}

// addImage adds a picture that the model drew.
func (m *ChatMessage) addImage(url string) bool {
	raw, err := marshal(struct {
		Type string `json:"type"`
		URL  string `json:"image_url"`
	}{"image_url", url})
	if err == nil {
		m.AddPart(raw)
	}
	return err == nil
}

// onlySigned reports whether a part has no content but a signature: Gemini signs thoughts in
// separate parts.
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

// geminiAssembler assembles a stream of generateContent, see
// https://ai.google.dev/api/generate-content. Each piece has the form of a whole response:
// texts that follow each other are joined, unless one is a thought and the other is not, and
// a call comes whole in one part. Of all other members the last value counts, also of the
// usage, which is cumulative. A stream has no last event; it comes as server-sent events or
// as one array.
type geminiAssembler struct {
	*Budget
	head       map[string]json.RawMessage // but for the candidates
	candidates pieces[candidateStreamed]
}

// candidateStreamed is a candidate: its parts so far, and the last value of its other members.
type candidateStreamed struct {
	parts  []partStreamed
	others map[string]json.RawMessage // finishReason and the like
}

// partStreamed is a part of the content: a text that grows, or any other part as it came.
type partStreamed struct {
	text    []byte
	thought bool
	other   json.RawMessage // nil for a text
}

func (g *geminiAssembler) Add(_ string, data []byte) {
	var piece map[string]json.RawMessage
	if !decode(data, &piece) {
		return
	}
	if g.head == nil {
		g.head = map[string]json.RawMessage{}
	}
	for name, value := range piece {
		if name != "candidates" && given(value) && len(g.head) < maxPieces {
			g.head[name] = value
		}
	}
	var candidates []map[string]json.RawMessage
	decode(piece["candidates"], &candidates)
	for i, raw := range candidates {
		index := i
		decode(raw["index"], &index)
		if c := g.candidates.at(index, g.Budget); c != nil {
			g.candidate(c, raw)
		}
	}
}

// candidate adds a piece of a candidate. Members beside the content replace earlier ones: the
// reason to stop comes with the last piece, ratings with each.
func (g *geminiAssembler) candidate(c *candidateStreamed, raw map[string]json.RawMessage) {
	if c.others == nil {
		c.others = map[string]json.RawMessage{}
	}
	for name, value := range raw {
		if name != "content" && given(value) && len(c.others) < maxPieces {
			c.others[name] = value
		}
	}
	var content struct {
		Parts []json.RawMessage `json:"parts"`
	}
	decode(raw["content"], &content)
	for _, part := range content.Parts {
		g.part(c, part)
	}
}

// part adds a part of a piece. A text continues the last part if both are thoughts or both
// are not; empty texts, which carry signatures, are dropped.
func (g *geminiAssembler) part(c *candidateStreamed, raw json.RawMessage) {
	var p struct {
		Text    *string `json:"text"`
		Thought bool    `json:"thought"`
	}
	decode(raw, &p)
	last := len(c.parts) - 1
	switch continues := last >= 0 && c.parts[last].other == nil && c.parts[last].thought == p.Thought; {
	case p.Text != nil && *p.Text == "":
		return
	case p.Text != nil && continues:
		g.text(&c.parts[last].text, *p.Text)
		return
	case len(c.parts) >= maxPieces:
		g.Cut = true
		return
	case p.Text != nil:
		c.parts = append(c.parts, partStreamed{thought: p.Thought})
		g.text(&c.parts[last+1].text, *p.Text)
		return
	}
	if kept := g.raw(raw); kept != nil {
		g.Began = true
		c.parts = append(c.parts, partStreamed{other: kept})
	}
}

// complete is true if every candidate has a reason to stop, or the prompt was blocked:
// there is no last event.
func (g *geminiAssembler) Complete() bool {
	for _, c := range g.candidates {
		if !given(c.others["finishReason"]) {
			return false
		}
	}
	return len(g.candidates) > 0 || given(g.head["promptFeedback"])
}

func (g *geminiAssembler) Failure() *Failure {
	if !given(g.head["error"]) {
		return nil
	}
	d := ReadFailure(g.head["error"])
	return &d
}

func (g *geminiAssembler) Result() []byte {
	if g.head == nil {
		return nil
	}
	out := map[string]any{}
	for name, value := range g.head {
		if name != "error" {
			out[name] = value
		}
	}
	candidates := []any{}
	for _, c := range g.candidates.ordered() {
		whole := map[string]any{}
		for name, value := range c.others {
			whole[name] = value
		}
		whole["content"] = map[string]any{"role": "model", "parts": c.encoded()}
		candidates = append(candidates, whole)
	}
	out["candidates"] = candidates
	return encode(out)
}

// encoded returns the parts in Gemini's form.
func (c *candidateStreamed) encoded() []any {
	parts := []any{}
	for _, p := range c.parts {
		switch {
		case p.other != nil:
			parts = append(parts, p.other)
		case p.thought:
			parts = append(parts, map[string]any{"text": string(p.text), "thought": true})
		default:
			parts = append(parts, map[string]any{"text": string(p.text)})
		}
	}
	return parts
}
