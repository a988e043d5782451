package replay

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseSaysWhyAConversationIsSkipped(t *testing.T) {
	t.Parallel()
	const secret = "tell-nobody"
	tests := map[string]string{
		`{"messages": [`:                                      "it is not valid JSON",
		`{"messages": NaN}`:                                   "it is not valid JSON",
		`["` + secret + `"]`:                                  "it is not a JSON object",
		`"` + secret + `"`:                                    "it is not a JSON object",
		`{"text":"` + secret + `"}`:                           "it has no list of messages, under messages or traj",
		`{"messages":null}`:                                   "it has no list of messages, under messages or traj",
		`{"messages":{"role":"user"}}`:                        "it has no list of messages, under messages or traj",
		`{"messages":["` + secret + `"]}`:                     "message 1 is not a JSON object",
		`{"messages":[{"role":"user"},{"content":"x"}]}`:      "message 2 has no role",
		`{"messages":[{"role":7}]}`:                           "message 1 has no role",
		`{"messages":[null]}`:                                 "message 1 has no role",
		`{"messages":[{"role":"a","tool_calls":"x"}]}`:        "message 1 has tool_calls of another form than the chat API's",
		`{"messages":[{"role":"a","tool_calls":[{"id":1}]}]}`: "message 1 has tool_calls of another form than the chat API's",
	}
	for text, reason := range tests {
		_, err := parse(3, []byte(text))
		var bad *ConversationError
		if !errors.As(err, &bad) {
			t.Errorf("%s: error %v, want a *ConversationError", text, err)
			continue
		}
		if bad.Number != 3 || bad.Reason != reason {
			t.Errorf("%s: conversation %d, %q; want 3, %q", text, bad.Number, bad.Reason, reason)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error repeats the conversation: %v", text, err)
		}
	}
}

func TestParseReadsWhatMessagesSay(t *testing.T) {
	t.Parallel()
	c, err := parse(1, []byte(`{"traj": [
		{"role": "user", "content": [{"type":"text","text":"see"}, {"type":"image_url","image_url":{"url":"u"}}, {"type":"text","text":"this"}]},
		{"role": "assistant", "content": null, "timestamp": 1700000000.5, "usage": null, "tool_calls": [
			{"id": "c", "function": {"name": "f", "arguments": "{\"a\":1}"}}, {"function": {"name": "g", "arguments": {"b": 2}}}, {"function": {"name": "h"}}]},
		{"role": "tool", "tool_call_id": "c", "content": "done", "timestamp": "2024-05-15T15:00:00+02:00"},
		{"role": "user", "content": 7, "timestamp": "yesterday"}
	], "messages": null, "model": null}`))
	if err != nil {
		t.Fatal(err)
	}
	m := c.messages
	if m[0].text != "see\nthis" || m[1].text != "" || m[2].text != "done" || m[3].text != "" {
		t.Errorf("texts %q %q %q %q", m[0].text, m[1].text, m[2].text, m[3].text)
	}
	if got := m[1].calls[0].arguments(); got != `{"a":1}` {
		t.Errorf("arguments in a string: %v", got)
	}
	if got, ok := m[1].calls[1].arguments().(interface{ MarshalJSON() ([]byte, error) }); !ok {
		t.Errorf("arguments in an object are no JSON: %v", got)
	}
	if got := m[1].calls[2].arguments(); got != nil {
		t.Errorf("absent arguments: %v", got)
	}
	if m[1].usage != nil || m[2].callID != "c" {
		t.Errorf("usage %s, id of the call %q", m[1].usage, m[2].callID)
	}
	if want := time.Unix(1700000000, 5e8); !m[1].at.Equal(want) {
		t.Errorf("time in seconds: %v, want %v", m[1].at, want)
	}
	if want := time.Date(2024, 5, 15, 13, 0, 0, 0, time.UTC); !m[2].at.Equal(want) {
		t.Errorf("time as text: %v, want %v", m[2].at, want)
	}
	if !m[0].at.IsZero() || !m[3].at.IsZero() {
		t.Errorf("times that are none: %v, %v", m[0].at, m[3].at)
	}
}
