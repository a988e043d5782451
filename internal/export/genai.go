package export

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/pricing"
)

// generation adds the attributes of a model call.
func (a *attributes) generation(n *fold.Node) {
	c := conversation.Of(n)
	a.text("gen_ai.operation.name", "chat")
	a.text("gen_ai.provider.name", providerName(n.Provider))
	a.text("gen_ai.request.model", n.Model)
	a.parameters(n.Parameters)
	a.response(n, &c)
	a.usage(n.Usage)
	if len(c.Sent) > 0 {
		a.text("gen_ai.input.messages", string(compact(genMessages(c.Sent))))
	}
	var answers []genMessage
	last := c.Last()
	for i := range c.Answers {
		if answer := &c.Answers[i]; answer.Attempt == last.Attempt && !answer.Failed {
			m := genMessageOf(&answer.Message)
			m.Finish = answer.Finish
			answers = append(answers, m)
		}
	}
	if len(answers) > 0 {
		a.text("gen_ai.output.messages", string(compact(answers)))
	}
	a.values("troupe.attempt", n.Attempts)
	a.text("troupe.prompt.id", n.PromptID)
	a.text("troupe.prompt.version", n.PromptVersionID)
}

// providers maps the names that clients use to those in the conventions, where they differ.
var providers = map[string]string{
	"azure": "azure.ai.openai", "bedrock": "aws.bedrock", "google": "gcp.gemini", "gemini": "gcp.gemini",
	"vertex": "gcp.vertex_ai", "mistral": "mistral_ai", "xai": "x_ai", "unknown": "",
}

func providerName(provider string) string {
	if name, ok := providers[provider]; ok {
		return name
	}
	return provider
}

// Parameters with a name in the conventions, by the providers' names.
var (
	doubles = map[string]string{
		"temperature": "temperature", "top_p": "top_p", "topP": "top_p", "top_k": "top_k", "topK": "top_k",
		"frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty",
	}
	wholes = map[string]string{
		"max_tokens": "max_tokens", "max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens",
		"maxTokens": "max_tokens", "maxOutputTokens": "max_tokens", "seed": "seed", "n": "choice.count",
	}
	lists = map[string]string{"stop": "stop_sequences", "stop_sequences": "stop_sequences", "stopSequences": "stop_sequences"}
)

// parameters adds the parameters of a request. If several are names for one attribute, the
// first wins. Parameters without such a name, or of the wrong type, go below
// troupe.parameter.
func (a *attributes) parameters(of map[string]json.RawMessage) {
	const prefix = "gen_ai.request."
	taken := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(of)) {
		text := string(jsonscan.Unwrap(of[key]))
		name, add := "", func(string, string) bool { return false }
		switch {
		case key == "tools":
			name, add = "gen_ai.tool.definitions", func(name, text string) bool { a.text(name, text); return true }
		case doubles[key] != "":
			name, add = prefix+doubles[key], a.double
		case wholes[key] != "":
			name, add = prefix+wholes[key], a.whole
		case lists[key] != "":
			name, add = prefix+lists[key], a.list
		}
		if taken[name] || !add(name, text) {
			a.json("troupe.parameter."+key, of[key])
			continue
		}
		taken[name] = true
	}
}

// list adds a JSON array of texts, or one text.
func (a *attributes) list(key, text string) bool {
	var texts []string
	if json.Unmarshal([]byte(text), &texts) != nil {
		texts = []string{text}
	}
	a.texts(key, texts)
	return true
}

func (a *attributes) response(n *fold.Node, c *conversation.Conversation) {
	var r struct {
		ID    json.RawMessage `json:"id"`
		Model json.RawMessage `json:"model"`
	}
	if json.Unmarshal(n.Result, &r) == nil {
		a.json("gen_ai.response.id", r.ID)
		a.json("gen_ai.response.model", r.Model)
	}
	var reasons []string
	last := c.Last()
	for _, answer := range c.Answers {
		if answer.Attempt == last.Attempt && answer.Finish != "" {
			reasons = append(reasons, answer.Finish)
		}
	}
	a.texts("gen_ai.response.finish_reasons", reasons)
}

func (a *attributes) usage(u pricing.Usage) {
	a.count("gen_ai.usage.input_tokens", u.Input)
	a.count("gen_ai.usage.output_tokens", u.Output)
	a.count("gen_ai.usage.cache_read.input_tokens", u.CacheRead)
	a.count("gen_ai.usage.cache_creation.input_tokens", u.CacheWrite)
	a.count("gen_ai.usage.reasoning.output_tokens", u.Reasoning)
}

// genMessage is a message in the form of the conventions.
type genMessage struct {
	Role   string    `json:"role"`
	Name   string    `json:"name,omitempty"`
	Parts  []genPart `json:"parts"`
	Finish string    `json:"finish_reason,omitempty"`
}

type genPart struct {
	Type      string          `json:"type"`
	Content   any             `json:"content,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Response  any             `json:"response,omitempty"`
	Modality  string          `json:"modality,omitempty"`
	MIME      string          `json:"mime_type,omitempty"`
	URI       string          `json:"uri,omitempty"`
}

func genMessages(messages []genai.Message) []genMessage {
	all := make([]genMessage, len(messages))
	for i := range messages {
		all[i] = genMessageOf(&messages[i])
	}
	return all
}

func genMessageOf(m *genai.Message) genMessage {
	g := genMessage{Role: m.Role, Name: m.Name, Parts: []genPart{}}
	for i := range m.Parts {
		g.Parts = append(g.Parts, genPartOf(&m.Parts[i]))
	}
	return g
}

func genPartOf(p *genai.Part) genPart {
	switch p.Kind {
	case genai.PartImage, genai.PartAudio, genai.PartFile:
		g := genPart{Type: "uri", Modality: string(p.Kind), MIME: p.MIME, URI: p.URL, Name: p.Text}
		if p.Data != "" {
			g.Type, g.Content = "blob", p.Data
		}
		return g
	case genai.PartToolCall:
		return genPart{Type: "tool_call", ID: p.CallID, Name: p.Tool, Arguments: p.Arguments}
	case genai.PartToolResult:
		g := genPart{Type: "tool_call_response", ID: p.CallID, Response: p.Text}
		if p.Result != nil {
			g.Response = p.Result
		}
		return g
	case genai.PartOther:
		return genPart{Type: string(p.Kind), Content: p.Raw}
	default:
		return genPart{Type: string(p.Kind), Content: p.Text}
	}
}
