package genai

import (
	"net/url"
	"strings"
)

// API is the protocol of a model call over HTTP. The zero value is OpenAIChat, which many
// other providers speak too.
type API uint8

// The APIs that RouteOf finds.
const (
	OpenAIChat API = iota
	OpenAIResponses
	OpenAICompletions
	OpenAIEmbeddings
	AnthropicMessages
	GeminiGenerate
	OllamaChat
	OllamaGenerate
)

// InValues reports whether the API streams JSON values one after the other unless it is
// asked for server-sent events.
func (a API) InValues() bool { return a == GeminiGenerate || a == OllamaChat || a == OllamaGenerate }

// Route is the meaning of a path.
type Route struct {
	API    API
	Sure   bool // no other service has such a path
	Stream bool // the path asks for a stream
}

// routes are tried in this order: a path may end with several suffixes.
var routes = []struct {
	suffix string
	Route
}{
	{"/chat/completions", Route{API: OpenAIChat, Sure: true}},
	{"/completions", Route{API: OpenAICompletions}},
	{"/responses", Route{API: OpenAIResponses}},
	{"/embeddings", Route{API: OpenAIEmbeddings}},
	{"/v1/messages", Route{API: AnthropicMessages, Sure: true}},
	{":generateContent", Route{API: GeminiGenerate, Sure: true}},
	{":streamGenerateContent", Route{API: GeminiGenerate, Sure: true, Stream: true}},
	{"/api/chat", Route{API: OllamaChat}},
	{"/api/generate", Route{API: OllamaGenerate}},
}

// RouteOf returns the route of a path, and false if no model is called there. A route
// that is not Sure needs a look at the body.
func RouteOf(path string) (Route, bool) {
	path = strings.TrimRight(path, "/")
	for _, r := range routes {
		if strings.HasSuffix(path, r.suffix) {
			return r.Route, true
		}
	}
	return Route{}, false
}

// ModelIn returns the model in a path, as Gemini and Azure have it; "" if there is none.
func ModelIn(path string) string {
	for _, mark := range []string{"/models/", "/deployments/", "/tunedModels/"} {
		if _, rest, ok := strings.Cut(path, mark); ok {
			name, _, _ := strings.Cut(rest, "/")
			name, _, _ = strings.Cut(name, ":")
			return name
		}
	}
	return ""
}

// providers names the owners of hosts by the end of the host's name.
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

// ollamaPort is the port on which Ollama listens by default.
const ollamaPort = "11434"

// ProviderOf returns the provider behind an address: the owner of the host or, if the host
// is not known, the maker of the API.
func ProviderOf(u *url.URL, a API) string {
	host := strings.ToLower(u.Hostname())
	for _, p := range providers {
		if host == p.host || strings.HasSuffix(host, p.host) && (p.host[0] == '.' || strings.HasSuffix(host, "."+p.host) || strings.HasSuffix(host, "-"+p.host)) {
			return p.name
		}
	}
	switch {
	case a == OllamaChat || a == OllamaGenerate || u.Port() == ollamaPort:
		return "ollama"
	case a == AnthropicMessages:
		return "anthropic"
	case a == GeminiGenerate:
		return "google"
	}
	return "openai"
}
