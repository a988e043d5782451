package genai_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/pricing"
)

// reading is everything that Troupe reads from a response.
type reading struct {
	Text, Reasoning, Refusal string
	Calls                    string // name and arguments of each tool call
	Finish, Model            string
	Usage                    pricing.Usage
	Failure                  genai.Failure
}

// exchange holds the names of a provider's samples in internal/formattest, "" for none, and
// the reading of each.
type exchange struct {
	api             genai.API
	whole, streamed string
	failed          string
	want, wantPiece reading // of whole and streamed
	failure         genai.Failure
}

const weather = `get_weather({"city":"Paris"})`

var exchanges = map[string]exchange{
	"OpenAI chat": {
		api: genai.OpenAIChat, whole: "openai-chat", streamed: "openai-chat-stream", failed: "error-openai",
		want: reading{
			Text: "It is 18 °C & cloudy in <Paris>.", Finish: "stop", Model: "gpt-4o-2024-08-06",
			Usage: pricing.Usage{Input: 90, Output: 15, Total: 105, CacheRead: 64, Reasoning: 5},
		},
		wantPiece: reading{
			Text: "It is 18 °C in Paris.", Calls: `get_weather({"city":"Oslo"}) now({})`, Finish: "tool_calls", Model: "gpt-4o",
			Usage: pricing.Usage{Input: 90, Output: 15, Total: 105, CacheRead: 64},
		},
		failure: genai.Failure{Message: "Rate limit reached", Code: "rate_limit_exceeded", Type: "tokens"},
	},
	"DeepSeek and OpenRouter": {
		api: genai.OpenAIChat, whole: "deepseek-chat", streamed: "openrouter-stream",
		want: reading{
			Text: "9.8 is larger.", Reasoning: "Compare tenths: 1 < 8.", Finish: "stop", Model: "deepseek-reasoner",
			Usage: pricing.Usage{Input: 20, Output: 200, Total: 220, Reasoning: 180},
		},
		wantPiece: reading{
			Text: "Hello.", Reasoning: "The user greets.", Finish: "stop", Model: "gpt-4o",
			Usage: pricing.Usage{Input: 6, Output: 30, Total: 36, Reasoning: 20},
		},
	},
	"OpenAI chat, refusal and choices": {
		api: genai.OpenAIChat, whole: "openai-chat-refusal", streamed: "openai-chat-stream-choices",
		want: reading{
			Refusal: "I cannot help with that.", Finish: "stop", Model: "gpt-4o", Usage: pricing.Usage{Input: 10, Output: 8, Total: 18},
		},
		wantPiece: reading{Refusal: "I cannot.", Finish: "content_filter", Model: "gpt-4o"},
	},
	"OpenAI completions": {
		api: genai.OpenAICompletions, whole: "openai-completion", streamed: "openai-completion-stream",
		want: reading{
			Text: " upon a time", Finish: "length", Model: "gpt-3.5-turbo-instruct", Usage: pricing.Usage{Input: 2, Output: 5, Total: 7},
		},
		wantPiece: reading{
			Text: " upon a time", Finish: "stop", Model: "gpt-3.5-turbo-instruct", Usage: pricing.Usage{Input: 1, Output: 3, Total: 4},
		},
	},
	"OpenAI Responses": {
		api: genai.OpenAIResponses, whole: "openai-responses", streamed: "openai-responses-stream", failed: "openai-responses-failed",
		want: reading{
			Text: "It is 18 °C.", Reasoning: "Look it up.", Calls: weather, Finish: "completed", Model: "o4-mini-2025-04-16",
			Usage: pricing.Usage{Input: 75, Output: 120, Total: 195, CacheRead: 32, Reasoning: 64},
		},
		wantPiece: reading{
			Text: "It is 18 °C.", Reasoning: "Look it up.", Calls: weather, Finish: "completed", Model: "o4-mini-2025-04-16",
			Usage: pricing.Usage{Input: 75, Output: 120, Total: 195, CacheRead: 32, Reasoning: 64},
		},
		failure: genai.Failure{Message: "The model failed.", Code: "server_error", Type: "server_error"},
	},
	"OpenAI embeddings": {
		api: genai.OpenAIEmbeddings, whole: "openai-embeddings",
		want: reading{Model: "text-embedding-3-small", Usage: pricing.Usage{Input: 2, Total: 2}},
	},
	"Anthropic": {
		api: genai.AnthropicMessages, whole: "anthropic", streamed: "anthropic-stream", failed: "error-anthropic",
		want: reading{
			Text: "Let me look.", Reasoning: "I need the weather.", Calls: `get_weather({"city":"Paris","precision":1.5}) now({})`,
			Finish: "tool_calls", Model: "claude-sonnet-4-5-20250929",
			Usage: pricing.Usage{Input: 2257, Output: 393, Total: 2650, CacheRead: 2048, CacheWrite: 188},
		},
		wantPiece: reading{
			Text: "Let me löok.", Reasoning: "I need the weather.", Calls: weather, Finish: "tool_calls", Model: "claude-sonnet-4-5-20250929",
			Usage: pricing.Usage{Input: 2257, Output: 393, Total: 2650, CacheRead: 2048, CacheWrite: 188},
		},
		failure: genai.Failure{Message: "Overloaded", Type: "overloaded_error"},
	},
	"Gemini": {
		api: genai.GeminiGenerate, whole: "gemini", streamed: "gemini-stream", failed: "error-gemini",
		want: reading{
			Text: "It is 18 °C.", Reasoning: "Look it up. ", Calls: weather, Finish: "tool_calls", Model: "gemini-2.5-flash",
			Usage: pricing.Usage{Input: 150, Output: 320, Total: 470, CacheRead: 64, Reasoning: 300},
		},
		wantPiece: reading{
			Text: "It is 18 °C.", Reasoning: "Look it up.", Calls: weather, Finish: "tool_calls", Model: "gemini-2.5-flash",
			Usage: pricing.Usage{Input: 100, Output: 50, Total: 150, Reasoning: 30},
		},
		failure: genai.Failure{Message: "API key not valid.", Code: "400", Type: "INVALID_ARGUMENT"},
	},
	"Gemini, blocked and in an array": {
		api: genai.GeminiGenerate, whole: "gemini-blocked", streamed: "gemini-stream-array",
		want: reading{
			Refusal: "the prompt was blocked: PROHIBITED_CONTENT", Finish: "content_filter", Model: "gemini-2.5-flash",
			Usage: pricing.Usage{Input: 7, Total: 7},
		},
		wantPiece: reading{
			Text: "It is 18 °C.", Reasoning: "Look it up.", Calls: weather, Finish: "tool_calls", Model: "gemini-2.5-flash",
			Usage: pricing.Usage{Input: 100, Output: 50, Total: 150, Reasoning: 30},
		},
	},
	"Ollama chat": {
		api: genai.OllamaChat, whole: "ollama-chat", streamed: "ollama-chat-stream", failed: "error-ollama",
		want: reading{
			Text: "It is 18 °C.", Reasoning: "Look it up.", Calls: weather, Finish: "tool_calls", Model: "llama3.2",
			Usage: pricing.Usage{Input: 26, Output: 12, Total: 38},
		},
		wantPiece: reading{
			Text: "It is 18 °C.", Reasoning: "Look it up.", Calls: weather, Finish: "tool_calls", Model: "llama3.2",
			Usage: pricing.Usage{Input: 26, Output: 12, Total: 38},
		},
		failure: genai.Failure{Message: `model "none" not found`},
	},
	"Ollama generate": {
		api: genai.OllamaGenerate, streamed: "ollama-generate-stream",
		wantPiece: reading{Text: "It is 18 °C.", Finish: "length", Model: "llama3.2", Usage: pricing.Usage{Input: 26, Output: 12, Total: 38}},
	},
}

// bodyOf returns the media type and the body of a sample's response.
func bodyOf(t *testing.T, name string) (kind, body string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "formattest", "testdata", "samples", name+".http"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nHTTP ")
	head, body, _ := strings.Cut(rest, "\n")
	_, kind, _ = strings.Cut(head, " ")
	return kind, body
}

// assemble feeds a body to an assembler, in pieces that end before each of the places.
func assemble(api genai.API, kind string, stream bool, pieces ...string) (genai.Assembler, *genai.Budget) {
	budget := &genai.Budget{Left: 1 << 20}
	assembler := genai.NewAssembler(api, stream, budget)
	frames := genai.NewValues(1<<20, assembler.Add, func() {})
	if kind == "text/event-stream" {
		frames = genai.NewEvents(1<<20, assembler.Add, func() {})
	}
	for _, piece := range pieces {
		frames.Write([]byte(piece))
	}
	frames.Finish()
	return assembler, budget
}

// read returns the reading of a result: its first choice, as it is logged.
func read(result []byte) reading {
	logged := genai.Normalize(result)
	r := reading{Usage: logged.Usage, Model: genai.ModelOf(logged.JSON)}
	choices := genai.ReadChoices(logged.JSON)
	if len(choices) == 0 {
		return r
	}
	var calls []string
	for _, p := range choices[0].Parts {
		switch p.Kind {
		case genai.PartText:
			r.Text += p.Text
		case genai.PartReasoning:
			r.Reasoning += p.Text
		case genai.PartRefusal:
			r.Refusal += p.Text
		case genai.PartToolCall:
			calls = append(calls, p.Tool+"("+string(p.Arguments)+")")
		}
	}
	r.Calls, r.Finish = strings.Join(calls, " "), choices[0].Finish
	return r
}

func TestWholeResponses(t *testing.T) {
	for name, e := range exchanges {
		if e.whole == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			kind, body := bodyOf(t, e.whole)
			a, _ := assemble(e.api, kind, false, body)
			if !a.Complete() || a.Failure() != nil {
				t.Errorf("complete %t, failure %+v", a.Complete(), a.Failure())
			}
			if diff := cmp.Diff(e.want, read(a.Result())); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestStreamedResponses(t *testing.T) {
	for name, e := range exchanges {
		if e.streamed == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			kind, body := bodyOf(t, e.streamed)
			a, budget := assemble(e.api, kind, true, body)
			if !a.Complete() || a.Failure() != nil || !budget.Began || budget.Cut {
				t.Errorf("complete %t, failure %+v, budget %+v", a.Complete(), a.Failure(), *budget)
			}
			got := read(a.Result())
			if e.streamed == "openai-responses-stream" {
				got.Refusal = "" // only the deltas have it, and the last event counts
			}
			if diff := cmp.Diff(e.wantPiece, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestStreamsCutAtAnyByte checks that a stream that ends early gives the beginning of the
// texts, that nothing is made up, and that a body split by the network gives the same.
func TestStreamsCutAtAnyByte(t *testing.T) {
	for name, e := range exchanges {
		if e.streamed == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind, body := bodyOf(t, e.streamed)
			whole, _ := assemble(e.api, kind, true, body)
			full := read(whole.Result())
			for n := range len(body) {
				a, _ := assemble(e.api, kind, true, body[:n])
				result := a.Result()
				if result != nil && !json.Valid(result) {
					t.Fatalf("cut at %d: not JSON: %s", n, result)
				}
				got := reading{}
				if result != nil {
					got = read(result)
				}
				if e.streamed == "openai-chat-stream-choices" {
					got.Text = "" // its second choice comes first
				}
				if !strings.HasPrefix(full.Text, got.Text) || !strings.HasPrefix(full.Reasoning, got.Reasoning) {
					t.Errorf("cut at %d: text %q, reasoning %q", n, got.Text, got.Reasoning)
				}
				if got.Usage.Input > full.Usage.Input || got.Usage.Output > full.Usage.Output {
					t.Errorf("cut at %d: usage %+v, more than %+v", n, got.Usage, full.Usage)
				}
				if n%5 != 0 {
					continue // most bytes are within texts, and feeding everything is slow
				}
				split, _ := assemble(e.api, kind, true, body[:n], body[n:])
				if string(split.Result()) != string(whole.Result()) {
					t.Fatalf("split at %d: %s, want %s", n, split.Result(), whole.Result())
				}
			}
		})
	}
}

// TestWholeResponsesCutAtAnyByte checks that the beginning of a whole response is neither
// complete nor a result.
func TestWholeResponsesCutAtAnyByte(t *testing.T) {
	for name, e := range exchanges {
		if e.whole == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			kind, body := bodyOf(t, e.whole)
			for n := range len(body) {
				if a, _ := assemble(e.api, kind, false, body[:n]); a.Complete() || a.Result() != nil {
					t.Fatalf("cut at %d: complete %t, result %s", n, a.Complete(), a.Result())
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for name, e := range exchanges {
		if e.failed == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			_, body := bodyOf(t, e.failed)
			if diff := cmp.Diff(e.failure, genai.ReadFailure([]byte(body))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			logged := genai.Normalize([]byte(body))
			if !logged.Failed || string(logged.JSON) != body {
				t.Errorf("failed %t, logged %s", logged.Failed, logged.JSON)
			}
			choices := genai.ReadChoices([]byte(body))
			if len(choices) != 1 || !choices[0].Failed {
				t.Errorf("choices %+v", choices)
			}
		})
	}
}

func TestFailuresInStreams(t *testing.T) {
	for name, want := range map[string]genai.Failure{
		"anthropic-stream-error": {Message: "Overloaded", Type: "overloaded_error"},
		"error-openai-in-stream": {Message: "The server had an error", Type: "server_error"},
	} {
		api := genai.OpenAIChat
		if strings.HasPrefix(name, "anthropic") {
			api = genai.AnthropicMessages
		}
		kind, body := bodyOf(t, name)
		a, _ := assemble(api, kind, true, body)
		if got := a.Failure(); got == nil || *got != want {
			t.Errorf("%s: failure %+v, want %+v", name, got, want)
		}
		if text := read(a.Result()).Text; text == "" {
			t.Errorf("%s: the text before the error is lost", name)
		}
	}
}

func TestBudgetBoundsTexts(t *testing.T) {
	for name, e := range exchanges {
		if e.streamed == "" || e.api == genai.OpenAIResponses { // whose last event holds everything
			continue
		}
		kind, body := bodyOf(t, e.streamed)
		budget := &genai.Budget{Left: 4}
		a := genai.NewAssembler(e.api, true, budget)
		frames := genai.NewValues(1<<20, a.Add, func() {})
		if kind == "text/event-stream" {
			frames = genai.NewEvents(1<<20, a.Add, func() {})
		}
		frames.Write([]byte(body))
		if !budget.Cut || budget.Left < 0 {
			t.Errorf("%s: budget %+v", name, *budget)
		}
		if got := read(a.Result()); len(got.Text)+len(got.Reasoning)+len(got.Refusal) > 4 {
			t.Errorf("%s: kept %+v", name, got)
		}
	}
}
