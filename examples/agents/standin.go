package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
)

// standIn replaces a model if there is none. It is no intelligence: it knows a
// few phrases, asks for the tool that goes with them, and repeats the tool's answer.
type standIn struct{}

// standInName is the name of the model.
const standInName = "stand-in"

// standInServer serves the stand-in on an address of this machine.
type standInServer struct {
	url  string
	stop func() error
}

func serveStandIn(ctx context.Context) (*standInServer, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the stand-in of the model: %w", err)
	}
	server := &http.Server{Handler: standIn{}, ReadHeaderTimeout: callTime}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return &standInServer{"http://" + listener.Addr().String() + "/v1", func() error {
		err := server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}}, nil
}

// phrases are the phrases that the stand-in understands: the captured part becomes the
// tool's argument.
var phrases = []struct {
	pattern        *regexp.Regexp
	tool, argument string
}{
	{regexp.MustCompile(`^Search the documents: (.+)$`), searchTool, "query"},
	{regexp.MustCompile(`^Calculate (.+)$`), "calculate", "expression"},
	{regexp.MustCompile(`^How many words does (.+) have\?$`), "count_words", "file"},
	{regexp.MustCompile(`^What is the weather like in (.+)\?$`), "weather", "city"},
	{regexp.MustCompile(`^What time is it in (.+)\?$`), "clock", "zone"},
}

// ServeHTTP answers as the chat completions API does.
func (s standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked request
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Messages) == 0 {
		http.Error(w, `{"error":{"message":"no messages","type":"invalid_request_error"}}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.complete(asked.Messages)) // who asked may have gone
}

func (standIn) complete(messages []message) completion {
	last := messages[len(messages)-1]
	answer, why := message{Role: "assistant"}, "stop"
	switch call, ok := wanted(last); {
	case ok:
		answer.ToolCalls, why = []toolCall{call}, "tool_calls"
	case last.Role == "tool":
		answer.Content = "I was told: " + firstLine(last.Content)
	default:
		answer.Content = fmt.Sprintf("It is clear: it has %d words.", len(strings.Fields(last.Content)))
	}
	c := completion{ID: standInName, Object: "chat.completion", Model: standInName, Choices: []choice{{0, answer, why}}}
	for _, m := range messages {
		c.Usage.Prompt += tokens(m)
	}
	c.Usage.Completion = tokens(answer)
	c.Usage.Total = c.Usage.Prompt + c.Usage.Completion
	return c
}

// wanted returns the call that a user's message makes the stand-in ask for.
func wanted(m message) (toolCall, bool) {
	for _, p := range phrases {
		if found := p.pattern.FindStringSubmatch(m.Content); found != nil && m.Role == "user" {
			args, err := json.Marshal(map[string]string{p.argument: found[1]})
			return toolCall{"call_1", "function", function{p.tool, string(args)}}, err == nil
		}
	}
	return toolCall{}, false
}

// tokens counts words, which are near enough.
func tokens(m message) int {
	n := len(strings.Fields(m.Content))
	for _, c := range m.ToolCalls {
		n += 1 + len(strings.Fields(c.Function.Arguments))
	}
	return n
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
