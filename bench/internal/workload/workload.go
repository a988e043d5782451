// Package workload is the data that every client of the benchmark logs: one turn of an agent.
package workload

import (
	"encoding/json"
	"strings"
)

// Sizes of a turn in bytes.
const (
	SystemBytes     = 200
	UserBytes       = 300
	AnswerBytes     = 500 // the default of New
	ToolResultBytes = 200
)

// The sink's count for one turn, in each protocol.
const (
	LinesPerTurn  = 9 // Maxim log protocol
	SpansPerTurn  = 3 // OTLP: the turn, the generation, the tool call
	EventsPerTurn = 3 // PostHog: $ai_trace, $ai_generation, $ai_span
)

// Turn holds the texts of one agent turn. All turns of a run have the same texts; ids
// are made by the clients. It is immutable after New and safe for concurrent use; its
// JSON is the input of clients in other languages.
type Turn struct {
	Name        string  `json:"name"`
	Provider    string  `json:"provider"`
	Model       string  `json:"model"`
	System      string  `json:"system"`
	User        string  `json:"user"`
	Temperature float64 `json:"temperature"`
	Answer      string  `json:"answer"`   // the answer of the model, and the output of the turn
	Response    string  `json:"response"` // the chat completion with Answer, as the API sends it
	ResponseID  string  `json:"responseId"`
	Tool        string  `json:"tool"`
	ToolArgs    string  `json:"toolArgs"`
	ToolResult  string  `json:"toolResult"`
	PromptTok   int     `json:"promptTokens"`
	AnswerTok   int     `json:"answerTokens"`
}

// New returns a turn whose answer has a number of bytes. The answer is on the wire
// twice: in the result of the generation and as the output of the turn.
func New(answerBytes int) Turn {
	t := Turn{
		Name: "agent turn", Provider: "openai", Model: "gpt-4o", Temperature: 0.7,
		System:     text("You are a careful agent of an airline. ", SystemBytes),
		User:       text("What does the fare include, and may I change it? ", UserBytes),
		Answer:     text("The fare includes one bag and one change of date. ", answerBytes),
		Tool:       "search_fares",
		ToolArgs:   `{"from":"BER","to":"LIS"}`,
		ToolResult: text("fare LIGHT 89.00 EUR, no change, cabin bag only; ", ToolResultBytes),
		ResponseID: "chatcmpl-C4yBqV0T5gkXv1oR8mZsDdPw2LfHn", PromptTok: 128, AnswerTok: 116,
	}
	t.Response = response(t)
	return t
}

// text repeats words up to a number of bytes.
func text(words string, bytes int) string {
	return strings.Repeat(words, bytes/len(words)+1)[:bytes]
}

// response is the answer of the chat completions API, indented as that API sends it.
func response(t Turn) string {
	type object = map[string]any
	body, err := json.MarshalIndent(object{
		"id": t.ResponseID, "object": "chat.completion", "created": 1_764_547_200, "model": "gpt-4o-2024-08-06",
		"choices": []object{{
			"index": 0, "finish_reason": "stop", "message": object{"role": "assistant", "content": t.Answer},
		}},
		"usage": object{"prompt_tokens": t.PromptTok, "completion_tokens": t.AnswerTok, "total_tokens": t.PromptTok + t.AnswerTok},
	}, "", "  ")
	if err != nil {
		panic(err) // texts and numbers always have a JSON form
	}
	return string(body)
}
