package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var account = regexp.MustCompile(`accepted=(\d+) delivered=(\d+) pending=0 dead=0 dropped=0\n$`)

// ran runs the example and checks that the collector has what the agents say they
// did, that nothing is open, and that every entry arrived.
func ran(t *testing.T, m *model, qs []question) (tally, string) {
	t.Helper()
	defer m.client.CloseIdleConnections()
	var out bytes.Buffer
	done, err := run(t.Context(), &out, os.DirFS("../../docs/internals"), m, qs)
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	want := []string{
		fmt.Sprintf(`the collector has: %v; 0 of them open;`, done),
		fmt.Sprintf(`(?m)^%d agents at work at the same time$`, len(qs)*len(roles)),
	}
	for _, q := range qs {
		want = append(want, `(?m)^ *`+q.user+` +ended +2 `)
	}
	for _, pattern := range want {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("the output does not match %q", pattern)
		}
	}
	if n := account.FindStringSubmatch(text); n == nil || n[1] != n[2] {
		t.Errorf("not everything was delivered")
	}
	if t.Failed() {
		t.Logf("the output is:\n%s", text)
	}
	return done, text
}

// served returns a model that a handler stands for.
func served(t *testing.T, h http.Handler) *model {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return newModel(server.URL+"/v1", "", "small")
}

func TestTheCollectorHasWhatTheAgentsDid(t *testing.T) {
	done, _ := ran(t, served(t, standIn{}), questions)
	turns := 2 * len(questions)
	want := tally{
		sessions: len(questions), traces: turns, spans: 6 * turns,
		generations: 11 * turns, // all roles ask twice, but the critic, who needs no tool
		retrievals:  turns,
		toolCalls:   4 * turns,
		errors:      turns + 2, // the weather fails, and one user divides by zero
	}
	if done != want {
		t.Errorf("the agents did %v\nwant %v", done, want)
	}
}

// A local server speaks OpenAI's API: it has a model behind it, answers in indented
// JSON, and throttles the critics.
func TestAgentsUseTheChatCompletionsAPI(t *testing.T) {
	var calls, throttled atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer test-key" {
			t.Errorf("got %s %s with the wrong key or path", r.Method, r.URL.Path)
		}
		var req request
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || req.Model != "small" || len(req.Tools) != 5 {
			t.Errorf("got a request for the model %q with %d tools, %v", req.Model, len(req.Tools), err)
		}
		if strings.Contains(req.Messages[0].Content, "clear") {
			throttled.Add(1)
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, `{"error":{"message":"slow down","type":"rate_limit_exceeded"}}`)
			return
		}
		indented, err := json.MarshalIndent(standIn{}.complete(req.Messages), "", "  ")
		if err != nil {
			t.Error(err)
		}
		w.Write(indented)
	}))
	defer server.Close()

	env := map[string]string{"OPENAI_API_KEY": "test-key", "OPENAI_BASE_URL": server.URL + "/v1/", "OPENAI_MODEL": "small"}
	m, stop, err := startModel(t.Context(), func(key string) string { return env[key] })
	if err != nil {
		t.Fatal(err)
	}
	done, text := ran(t, m, questions)
	if err := stop(); err != nil {
		t.Error(err)
	}
	turns := 2 * len(questions)
	if int(calls.Load()) != done.generations || int(throttled.Load()) != turns || done.errors != 2*turns+2 {
		t.Errorf("the server had %d calls and throttled %d; the agents say %v", calls.Load(), throttled.Load(), done)
	}
	if strings.Contains(text, "test-key") || !strings.Contains(text, "the model is small") {
		t.Errorf("the output shows the key, or not the model:\n%s", text)
	}
}

func TestWithoutAKeyTheModelIsTheStandIn(t *testing.T) {
	m, stop, err := startModel(t.Context(), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if m.name != standInName || !strings.HasPrefix(m.url, "http://127.0.0.1:") {
		t.Errorf("the model is %s at %s", m.name, m.url)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	m, _, err = startModel(t.Context(), func(key string) string { return map[string]string{"OPENAI_API_KEY": "k"}[key] })
	if err != nil || m.url != "https://api.openai.com/v1/chat/completions" || m.name != "gpt-4o-mini" {
		t.Errorf("with a key alone the model is %+v, %v", m, err)
	}
}

// confused is a model that asks for one and the same call for ever.
type confused struct{ toolCall }

func (c confused) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(completion{Object: "chat.completion", Choices: []choice{{Message: message{Role: "assistant", ToolCalls: []toolCall{c.toolCall}}}}})
}

func TestConfusedModelsAreLoggedAndLeftAlone(t *testing.T) {
	const turns = 2 // of one user
	agents := len(roles) * turns
	for name, test := range map[string]struct {
		call function
		want tally
	}{
		"unknown tool":           {function{"fly", `{}`}, tally{toolCalls: maxRounds * agents, errors: (maxRounds + 1) * agents}},
		"search that is no JSON": {function{searchTool, `{"query":`}, tally{retrievals: maxRounds * agents, errors: (maxRounds + 1) * agents}},
		"never content":          {function{"clock", `{"zone":"UTC"}`}, tally{toolCalls: maxRounds * agents, errors: agents}},
	} {
		t.Run(name, func(t *testing.T) {
			done, _ := ran(t, served(t, confused{toolCall{"call_1", "function", test.call}}), questions[:1])
			want := test.want
			want.add(tally{sessions: 1, traces: turns, spans: agents, generations: maxRounds * agents})
			if done != want {
				t.Errorf("the agents did %v\nwant %v", done, want)
			}
		})
	}
}
