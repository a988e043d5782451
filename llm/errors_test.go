package llm_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/llm"
)

const chatRequest = `{"messages":[{"role":"user","content":"Hi"}],"model":"gpt-4o"}`

func TestErrorsOfProviders(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, test := range map[string]struct {
		path, request, kind, body string
		status                    int
		want                      map[string]any
	}{
		"openai": {"/v1/chat/completions", chatRequest, jsonKind,
			`{"error":{"message":"Rate limit reached","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`, 429,
			map[string]any{"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}},
		"anthropic": {"/v1/messages", `{"model":"claude","messages":[]}`, jsonKind,
			`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, 529,
			map[string]any{"message": "Overloaded", "type": "overloaded_error", "code": "529"}},
		"gemini": {"/v1beta/models/gemini:generateContent", `{"contents":[]}`, jsonKind,
			`{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}`, 429,
			map[string]any{"message": "Quota", "type": "RESOURCE_EXHAUSTED", "code": "429"}},
		"gemini, in an array": {"/v1beta/models/gemini:streamGenerateContent", `{"contents":[]}`, jsonKind,
			`[{"error":{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}}]`, 400,
			map[string]any{"message": "Bad", "type": "INVALID_ARGUMENT", "code": "400"}},
		"ollama": {"/api/chat", `{"model":"llama3"}`, jsonKind, `{"error":"model not found"}`, 404,
			map[string]any{"message": "model not found", "type": "http_404", "code": "404"}},
		"a proxy": {"/v1/chat/completions", chatRequest, "text/html", `<html>Bad gateway {"a":1}</html>`, 502,
			map[string]any{"message": "HTTP 502 Bad Gateway", "type": "http_502", "code": "502"}},
		"no body": {"/v1/chat/completions", chatRequest, jsonKind, ``, 500,
			map[string]any{"message": "HTTP 500 Internal Server Error", "type": "http_500", "code": "500"}},
		"a long one": {"/v1/chat/completions", chatRequest, jsonKind, `{"error":{"message":"` + long + `","type":"t"}}`, 400,
			map[string]any{"message": long[:2048] + "…", "type": "t", "code": "400"}},
		"an error in place of an answer": {"/v1/chat/completions", chatRequest, jsonKind, `{"error":{"message":"no provider","code":502}}`, 200,
			map[string]any{"message": "no provider", "code": float64(502)}},
		"HTML in place of an answer": {"/v1/chat/completions", chatRequest, "text/html", `<html>`, 200,
			map[string]any{"message": "the answer is not JSON", "type": "invalid_json", "code": ""}},
		"no JSON in place of an answer": {"/v1/chat/completions", chatRequest, jsonKind, `{"a":}`, 200,
			map[string]any{"message": "the answer is not JSON", "type": "invalid_json", "code": ""}},
		"half an answer": {"/v1/chat/completions", chatRequest, jsonKind, `{"id":"c1","choices":[`, 200,
			map[string]any{"message": "the answer stopped before its end", "type": "truncated", "code": ""}},
		"an error in a stream of openai": {"/v1/chat/completions", chatRequest, eventsKind, "data: {\"error\":{\"message\":\"gone\",\"type\":\"server_error\"}}\n\n", 200,
			map[string]any{"message": "gone", "type": "server_error", "code": ""}},
		"an error in a stream of anthropic": {"/v1/messages", `{"model":"claude","messages":[]}`, eventsKind,
			"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n", 200,
			map[string]any{"message": "Overloaded", "type": "overloaded_error", "code": ""}},
		"a failed response": {"/v1/responses", `{"model":"o4","input":"Hi"}`, eventsKind,
			"data: {\"type\":\"response.failed\",\"response\":{\"object\":\"response\",\"status\":\"failed\",\"output\":[],\"error\":{\"code\":\"server_error\",\"message\":\"gone\"}}}\n\n", 200,
			map[string]any{"message": "gone", "type": "server_error", "code": "server_error"}},
		"an error in a stream of ollama": {"/api/chat", `{"model":"llama3"}`, linesKind, `{"error":"out of memory"}` + "\n", 200,
			map[string]any{"message": "out of memory", "type": "", "code": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, llm.Options{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			if got := r.ask(test.path, test.request); got != test.body {
				t.Errorf("the caller got %q", got)
			}
			g := r.one()
			if diff := cmp.Diff(any(test.want), g.at("error")); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAnswerBesideAnErrorIsKept(t *testing.T) {
	r := newRig(t, llm.Options{}, streams(eventsKind, sse(`{"choices":[{"index":0,"delta":{"content":"Hel"}}]}`, `{"error":{"message":"gone"}}`)...))
	r.ask("/v1/chat/completions", chatRequest)
	g := r.one()
	if g.at("error", "message") != "gone" || g.at("choices", 0, "message", "content") != "Hel" {
		t.Errorf("result %v", g.result())
	}
}

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestErrorsOfTheTransport(t *testing.T) {
	gone := errors.New("connection refused")
	for name, test := range map[string]struct {
		err  error
		kind string
	}{
		"broken":    {gone, "broken"},
		"cancelled": {context.Canceled, "cancelled"},
		"timeout":   {context.DeadlineExceeded, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, llm.Options{}, answers(jsonKind, ""))
			r.client.Transport = llm.Transport(roundTripper(func(*http.Request) (*http.Response, error) { return nil, test.err }), llm.Options{})
			if _, err := r.post(r.ctx, "/v1/chat/completions?key=SECRET", chatRequest); !errors.Is(err, test.err) {
				t.Errorf("the caller got %v", err)
			}
			g := r.one()
			if g.at("error", "type") != test.kind || g.at("error", "message") != test.err.Error() {
				t.Errorf("error %v", g.at("error"))
			}
		})
	}
}

func TestAPanicOfTheTransportGoesOn(t *testing.T) {
	r := newRig(t, llm.Options{}, answers(jsonKind, ""))
	r.client.Transport = llm.Transport(roundTripper(func(*http.Request) (*http.Response, error) { panic("mine") }), llm.Options{})
	func() {
		defer func() {
			if got := recover(); got != "mine" {
				t.Errorf("recovered %v", got)
			}
		}()
		_, _ = r.post(r.ctx, "/v1/chat/completions", chatRequest)
	}()
	if g := r.one(); g.at("error", "type") != "broken" {
		t.Errorf("error %v", g.at("error"))
	}
	if n := llm.Panics(); n != 0 {
		t.Errorf("%d panics were counted as bugs of the package", n)
	}
}

func TestATransportThatReturnsNothing(t *testing.T) {
	r := newRig(t, llm.Options{}, answers(jsonKind, ""))
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url+"/v1/chat/completions", strings.NewReader(chatRequest))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := llm.Middleware(req, func(*http.Request) (*http.Response, error) { return nil, nil })
	if resp != nil || err != nil {
		t.Errorf("%v, %v", resp, err)
	}
	if g := r.one(); g.at("error", "type") != "broken" {
		t.Errorf("error %v", g.at("error"))
	}
}

func TestRedirectionsAreFollowedAndLoggedAsWhatTheyAre(t *testing.T) {
	r := newRig(t, llm.Options{}, func(w http.ResponseWriter, q *http.Request) {
		if !strings.HasPrefix(q.URL.Path, "/moved") {
			http.Redirect(w, q, "/moved"+q.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		answers(jsonKind, `{"choices":[{"message":{"content":"Hello"}}]}`)(w, q)
	})
	r.ask("/v1/chat/completions", chatRequest)
	all := r.generations()
	if len(all) != 2 || all[0].metadata["http.status"] != "307" || all[0].result() != nil || all[1].at("choices", 0, "message", "content") != "Hello" {
		t.Errorf("%d generations were logged", len(all))
	}
	r.rec.Lines(t)
}
