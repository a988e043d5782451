package genai_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/pricing"
)

// made is one answer and the chat completion that is made of it.
type made struct {
	raw   string
	want  string // <id> stands for an id made of the content
	usage pricing.Usage
}

var madeID = regexp.MustCompile(`"chatcmpl-[0-9a-f]{32}"`)

// checkMade runs each test at the same time, 2000-01-01T00:00:00Z.
func checkMade(t *testing.T, form genai.Form, tests map[string]made) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given := []byte(tt.raw)
				got := genai.Normalize(given)
				if got.Form != form || got.Failed {
					t.Errorf("form %v, failed %t; want %v that did not fail", got.Form, got.Failed, form)
				}
				if diff := cmp.Diff(tt.usage, got.Usage); diff != "" {
					t.Errorf("usage, -want +got:\n%s", diff)
				}
				out := madeID.ReplaceAll(got.JSON, []byte(`"<id>"`))
				if diff := cmp.Diff(compact(t, tt.want), string(out)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if string(given) != tt.raw {
					t.Error("the caller's bytes were changed")
				}
				again := genai.Normalize(got.JSON)
				again.Form = got.Form
				if diff := cmp.Diff(got, again); diff != "" {
					t.Errorf("normalised again, -first +second:\n%s", diff)
				}
			})
		})
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("the test's own JSON: %v", err)
	}
	return b.String()
}

func TestAsGiven(t *testing.T) {
	tests := map[string]struct {
		raw    string
		form   genai.Form
		usage  pricing.Usage
		failed bool
	}{
		"chat": {
			raw: `{ "id":"chatcmpl-B9MB","object":"chat.completion","created":1741569952,"model":"gpt-5.1","choices":[{"index":0,
				"message":{"role":"assistant","content":"4 < 5 é","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],
				"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,
				"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},
				"completion_tokens_details":{"reasoning_tokens":192,"accepted_prediction_tokens":0}},
				"service_tier":"default","x_mine":{"cost":0.30000000000000004,"big":12345678901234567890} }`,
			form: genai.ChatCompletion, usage: pricing.Usage{Input: 2006, Output: 300, Total: 2306, CacheRead: 1920, Reasoning: 192},
		},
		"chat with tool calls and a refusal": {
			raw: `{"id":"c","object":"chat.completion","created":1,"choices":[{"index":0,"message":{"role":"assistant","content":null,
				"refusal":"I cannot help with that.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
				"finish_reason":"tool_calls"}],"usage":null}`,
			form: genai.ChatCompletion,
		},
		"chat without object": {raw: `{"id":"r","created":1,"choices":[]}`, form: genai.ChatCompletion},
		"chat, incomplete":    {raw: `{"object":"chat.completion","choices":[1],"usage":{"prompt_tokens":1}}`, form: genai.ChatCompletion, usage: pricing.Usage{Input: 1, Total: 1}},
		"chat, no choices":    {raw: `{"object":"chat.completion"}`, form: genai.ChatCompletion},
		"chat, odd types": {
			raw:  `{"object":"chat.completion","model":7,"type":[],"choices":"x","usage":{"prompt_tokens":3.0,"completion_tokens":"9","total_tokens":-1,"prompt_tokens_details":[]}}`,
			form: genai.ChatCompletion, usage: pricing.Usage{Input: 3, Output: 9, Total: 12},
		},
		"chat, absurd counts": {raw: `{"choices":[],"usage":{"prompt_tokens":1e300,"completion_tokens":1e999,"total_tokens":2}}`, form: genai.ChatCompletion, usage: pricing.Usage{Total: 2}},
		"chat, usage a list":  {raw: `{"choices":[],"usage":[1]}`, form: genai.ChatCompletion},
		"chat with an error": {
			raw:  `{"id":"c","choices":[],"error":{"message":"upstream overloaded","code":502},"usage":{"prompt_tokens":5,"completion_tokens":0,"total_tokens":5}}`,
			form: genai.ChatCompletion, usage: pricing.Usage{Input: 5, Total: 5}, failed: true,
		},
		"text completion": {
			raw: `{"id":"cmpl-1","object":"text_completion","created":1,"model":"davinci-002","choices":[{"text":"hi","index":0,"logprobs":null,"finish_reason":"length"}],
				"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`,
			form: genai.TextCompletion, usage: pricing.Usage{Input: 5, Output: 7, Total: 12},
		},
		"responses": {
			raw: `{"id":"resp_1","object":"response","created_at":1741476542,"status":"completed","error":null,"model":"gpt-5.1","output":[
				{"type":"reasoning","id":"rs_1","summary":[]},
				{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[]}]}],
				"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":12},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":123}}`,
			form: genai.Responses, usage: pricing.Usage{Input: 36, Output: 87, Total: 123, CacheRead: 12, Reasoning: 64},
		},
		"responses, an SDK's empty error": {raw: `{"object":"response","status":"completed","error":{"code":"","message":""},"usage":null}`, form: genai.Responses},
		"responses, error":                {raw: `{"object":"response","status":"incomplete","error":{"code":"server_error","message":"x"}}`, form: genai.Responses, failed: true},
		"responses, failed":               {raw: `{"object":"response","status":"failed","error":null}`, form: genai.Responses, failed: true},
		"OpenAI error":                    {raw: `{"error":{"message":"Rate limit reached","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`, form: genai.ErrorBody, failed: true},
		"Anthropic error":                 {raw: `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}`, form: genai.ErrorBody, failed: true},
		"Gemini error":                    {raw: `{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}`, form: genai.ErrorBody, failed: true},
		"error text":                      {raw: `{"error":"model not found"}`, form: genai.ErrorBody, failed: true},
		"error beside an answer":          {raw: `{"type":"message","role":"assistant","model":"m","content":[],"error":{"message":"cut off"}}`, form: genai.ErrorBody, failed: true},

		"empty error":                {raw: `{"error":{},"x":{"error":"y"}}`},
		"null error":                 {raw: `{"error":null}`},
		"text":                       {raw: `"just text"`},
		"null":                       {raw: `null`},
		"list":                       {raw: `[1]`},
		"empty":                      {raw: `{}`},
		"nothing at all":             {raw: ``},
		"not JSON":                   {raw: `{"choices":[`},
		"an item of Responses":       {raw: `{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"x"}]}`},
		"an Anthropic request":       {raw: `{"model":"m","messages":[{"role":"user","content":"x"}]}`},
		"blocks that are text":       {raw: `{"type":"message","role":"assistant","model":"m","content":["x"]}`},
		"a block with another type":  {raw: `{"type":"message","role":"assistant","model":"m","content":[{"type":"text","text":5}]}`},
		"candidates of an election":  {raw: `{"candidates":[{"name":"A","votes":3}]}`},
		"candidates that are text":   {raw: `{"candidates":["A"]}`},
		"no candidate and no reason": {raw: `{"candidates":[],"usageMetadata":{"promptTokenCount":3}}`},
		"parts with another type":    {raw: `{"candidates":[{"content":{"parts":[{"text":5}]}}]}`},
		"output without stopReason":  {raw: `{"output":{"message":{"role":"assistant","content":[{"text":"x"}]}},"input":"y"}`},
		"output without message":     {raw: `{"output":{"text":"x"},"stopReason":"done"}`},
		"output with another type":   {raw: `{"output":{"message":{"content":[{"toolUse":"x"}]}},"stopReason":"done"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			given := []byte(tt.raw)
			got := genai.Normalize(given)
			want := genai.Result{JSON: given, Form: tt.form, Usage: tt.usage, Failed: tt.failed}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if len(given) > 0 && &got.JSON[0] != &given[0] {
				t.Error("the answer was copied")
			}
		})
	}
}

func TestFormNames(t *testing.T) {
	seen := map[string]bool{}
	for f := genai.Unknown; f <= genai.BedrockConverse; f++ {
		seen[f.String()] = true
	}
	if len(seen) != int(genai.BedrockConverse)+1 {
		t.Errorf("two forms share a name: %v", seen)
	}
	if got := genai.Form(200).String(); got != genai.Unknown.String() {
		t.Errorf("a form that is none is called %q", got)
	}
}

func TestMadeIDFollowsTheContent(t *testing.T) {
	id := func(text string) string {
		r := genai.Normalize([]byte(`{"output":{"message":{"content":[{"text":"` + text + `"}]}},"stopReason":"end_turn"}`))
		return string(madeID.Find(r.JSON))
	}
	first, same, other := id("a"), id("a"), id("b")
	if first == "" || first != same || first == other {
		t.Errorf("ids %s, %s and %s", first, same, other)
	}
}
