package llm

import (
	"net/http"
	"strings"
)

// api is the protocol of a call.
type api uint8

const (
	openAIChat api = iota
	openAIResponses
	openAICompletions
	openAIEmbeddings
	anthropicMessages
	geminiContent
	ollamaChat
	ollamaGenerate
)

// route is how a call is recognised.
type route struct {
	suffix string // of the path
	api    api
	sure   bool // no other services have such a path
	stream bool // the path asks for a stream
}

// routes are tried in their order.
var routes = []route{
	{suffix: "/chat/completions", api: openAIChat, sure: true},
	{suffix: "/completions", api: openAICompletions},
	{suffix: "/responses", api: openAIResponses},
	{suffix: "/embeddings", api: openAIEmbeddings},
	{suffix: "/v1/messages", api: anthropicMessages, sure: true},
	{suffix: ":generateContent", api: geminiContent, sure: true},
	{suffix: ":streamGenerateContent", api: geminiContent, sure: true, stream: true},
	{suffix: "/api/chat", api: ollamaChat},
	{suffix: "/api/generate", api: ollamaGenerate},
}

// recognise returns the route of a request that calls a model.
func recognise(r *http.Request) (route, bool) {
	if r == nil || r.Method != http.MethodPost || r.URL == nil || r.Body == nil || r.Body == http.NoBody {
		return route{}, false
	}
	path := strings.TrimRight(r.URL.Path, "/")
	for _, known := range routes {
		if strings.HasSuffix(path, known.suffix) {
			return known, true
		}
	}
	return route{}, false
}

// modelIn returns the model that a path names, as those of Gemini and Azure do; "" for
// none.
func modelIn(path string) string {
	for _, mark := range []string{"/models/", "/deployments/", "/tunedModels/"} {
		if _, rest, ok := strings.Cut(path, mark); ok {
			name, _, _ := strings.Cut(rest, "/")
			name, _, _ = strings.Cut(name, ":")
			return name
		}
	}
	return ""
}

// providers are the ends of host names that tell who answers.
var providers = []struct{ host, name string }{
	{"api.openai.com", "openai"},
	{".openai.azure.com", "azure"},
	{".cognitiveservices.azure.com", "azure"},
	{".services.ai.azure.com", "azure"},
	{"api.anthropic.com", "anthropic"},
	{"generativelanguage.googleapis.com", "google"},
	{"aiplatform.googleapis.com", "vertex_ai"},
	{"api.mistral.ai", "mistral"},
	{"api.deepseek.com", "deepseek"},
	{"api.groq.com", "groq"},
	{"openrouter.ai", "openrouter"},
	{"api.together.xyz", "together"},
	{"api.fireworks.ai", "fireworks"},
	{"api.x.ai", "xai"},
	{"api.perplexity.ai", "perplexity"},
	{"api.cerebras.ai", "cerebras"},
	{"api.cohere.com", "cohere"},
	{"integrate.api.nvidia.com", "nvidia"},
	{"router.huggingface.co", "huggingface"},
}

// ollamaPort is where Ollama listens unless it is told otherwise.
const ollamaPort = "11434"

// provider returns who answers a call: whom the host tells, or else who made the protocol.
func provider(r *http.Request, a api) string {
	host := strings.ToLower(r.URL.Hostname())
	for _, p := range providers {
		if host == p.host || strings.HasSuffix(host, p.host) && (p.host[0] == '.' || strings.HasSuffix(host, "."+p.host) || strings.HasSuffix(host, "-"+p.host)) {
			return p.name
		}
	}
	switch {
	case a == ollamaChat || a == ollamaGenerate || r.URL.Port() == ollamaPort:
		return "ollama"
	case a == anthropicMessages:
		return "anthropic"
	case a == geminiContent:
		return "google"
	}
	return "openai"
}
