// Package modelserver is a stand-in for the servers of language models, for tests: it
// speaks the protocols of OpenAI (chat completions, Responses), Anthropic (messages) and
// Gemini (generateContent, streamGenerateContent), so that real SDKs can be tried without
// an account. It is no model: what it answers is told by a Scene in the prompt.
package modelserver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
)

// Scenes are what a prompt asks for, as in "scene hello". They are looked for in the body
// of the request, in whatever protocol.
const (
	Hello = "scene hello" // Greeting, in two pieces where it is streamed
	Tool  = "scene tool"  // a call of the tool weather for Oslo
	Echo  = "scene echo"  // the word behind it, as in "scene echo seven"
	Limit = "scene limit" // status 429, always
	Fault = "scene fault" // status 500, always
	Flaky = "scene flaky" // status 500 for the first call with this word, then Greeting; as in "scene flaky one"
	Wait  = "scene wait"  // of a stream the first piece, then nothing until the caller is gone
	Cut   = "scene cut"   // the first half of the answer, then the connection is broken
)

// What is answered.
const (
	Greeting     = "Hello there."
	FirstPiece   = "Hello"
	LimitMessage = "Rate limit reached"
	FaultMessage = "Internal error"
	ToolName     = "weather"
	ToolArgs     = `{"city":"Oslo"}`
	RequestID    = "req_1"
)

// Usage of each answer, in tokens.
const (
	Input     = 10 // Cached of these were read from a cache
	Cached    = 4
	Output    = 5 // Reasoning of these were thought, where the protocol tells
	Reasoning = 2
)

// Server is the stand-in. Its methods may be used concurrently.
type Server struct {
	URL string // as http://127.0.0.1:port

	http    *httptest.Server
	waiting chan struct{}

	mu    sync.Mutex
	flaky map[string]bool // guarded by mu; the words of Flaky that were seen
}

// New starts a server on an address of this machine. Call Close when it is done with.
func New() *Server {
	s := &Server{waiting: make(chan struct{}, 1024), flaky: map[string]bool{}}
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	return s
}

// Close stops the server, and waits for its calls.
func (s *Server) Close() { s.http.Close() }

// Await returns when a call of the scene Wait hangs, or with the error of ctx; each call is
// told of once.
func (s *Server) Await(ctx context.Context) error {
	select {
	case <-s.waiting:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no call of %q hangs: %w", Wait, ctx.Err())
	}
}

// protocol is how a provider answers.
type protocol interface {
	// whole returns an answer as one value.
	whole(a answer) any
	// pieces returns an answer as the data of events, each with its name or "".
	pieces(a answer) []event
	// refusal returns an error.
	refusal(status int, message string) any
}

// answer is what is answered.
type answer struct {
	model string
	said  []string // in pieces; none for a call of the tool
	usage bool     // tell the usage at the end of a stream
}

func (a answer) text() string { return strings.Join(a.said, "") }

type event struct {
	name string
	data any
}

var scene = regexp.MustCompile(`(scene [a-z]+)(?: (\w+))?`)

// asked is what of a request the answer depends on, in all protocols.
type asked struct {
	Model   string `json:"model"`
	Stream  bool   `json:"stream"`
	Options struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var q asked
	if err != nil || json.Unmarshal(body, &q) != nil {
		http.Error(w, "the body is no JSON", http.StatusBadRequest)
		return
	}
	p, ok := s.protocolOf(r, &q)
	found := scene.FindStringSubmatch(string(body))
	if !ok || found == nil {
		http.Error(w, "no such path, or no scene in the body", http.StatusNotFound)
		return
	}
	w.Header().Set("X-Request-Id", RequestID)
	switch found[1] {
	case Limit:
		refuse(w, p, http.StatusTooManyRequests, LimitMessage)
	case Fault:
		refuse(w, p, http.StatusInternalServerError, FaultMessage)
	case Flaky:
		if s.first(found[2]) {
			refuse(w, p, http.StatusInternalServerError, FaultMessage)
			return
		}
		s.say(w, r, p, q, found[1], FirstPiece, strings.TrimPrefix(Greeting, FirstPiece))
	case Echo:
		s.say(w, r, p, q, found[1], found[2])
	case Tool:
		s.say(w, r, p, q, found[1])
	default:
		s.say(w, r, p, q, found[1], FirstPiece, strings.TrimPrefix(Greeting, FirstPiece))
	}
}

func (s *Server) protocolOf(r *http.Request, q *asked) (protocol, bool) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/chat/completions"):
		return chat{}, true
	case strings.HasSuffix(path, "/responses"):
		return responses{}, true
	case strings.HasSuffix(path, "/v1/messages"):
		return anthropic{}, true
	case strings.Contains(path, ":generateContent"), strings.Contains(path, ":streamGenerateContent"):
		q.Stream = strings.Contains(path, ":stream")
		_, model, _ := strings.Cut(path, "/models/")
		q.Model, _, _ = strings.Cut(model, ":")
		return gemini{}, true
	}
	return nil, false
}

func (s *Server) first(word string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.flaky[word]
	s.flaky[word] = true
	return !seen
}

// refuse answers with an error. SDKs that try again do so at once.
func refuse(w http.ResponseWriter, p protocol, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After-Ms", "1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p.refusal(status, message)) // who asked may have gone
}

// say answers with a text, or a call of the tool if there is none.
func (s *Server) say(w http.ResponseWriter, r *http.Request, p protocol, q asked, scene string, said ...string) {
	a := answer{model: q.Model, said: said, usage: q.Options.Usage}
	if q.Stream {
		w.Header().Set("Content-Type", "text/event-stream")
		s.stream(w, r, p.pieces(a), scene)
		return
	}
	if scene == Wait {
		s.hang(r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	whole, err := json.Marshal(p.whole(a))
	if err != nil {
		panic(err) // the values of this package have JSON
	}
	if scene == Cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		whole = whole[:len(whole)/2]
	}
	_, _ = w.Write(whole)
	if scene == Cut {
		breakOff(w)
	}
}

// stream writes events, each at once.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, events []event, scene string) {
	said := false
	for _, e := range events {
		data, ok := e.data.(string)
		if !ok {
			raw, err := json.Marshal(e.data)
			if err != nil {
				panic(err)
			}
			data = string(raw)
		}
		if e.name != "" {
			_, _ = fmt.Fprintf(w, "event: %s\n", e.name)
		}
		_, _ = fmt.Fprintf(w, "data: %s\n\n", data)
		_ = http.NewResponseController(w).Flush()
		said = said || strings.Contains(data, FirstPiece)
		switch {
		case said && scene == Wait:
			s.hang(r)
			return
		case said && scene == Cut:
			breakOff(w)
		}
	}
}

// hang waits until the caller has gone.
func (s *Server) hang(r *http.Request) {
	s.waiting <- struct{}{}
	<-r.Context().Done()
}

// breakOff breaks the connection behind what was written.
func breakOff(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
