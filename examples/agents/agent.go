package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/troupelog/troupe/logger"
)

const (
	maxRounds = 4 // how often an agent asks the model about one task
	hits      = 3 // how many sections a search returns
)

// agent works on one task: it asks the model, calls the tools that the model wants,
// and logs its work in its span. One goroutine owns it.
type agent struct {
	span  logger.Span
	model *model
	lib   *library
	tools []tool
	done  tally
}

// work returns the answer to a task, or why there is none.
func (a *agent) work(ctx context.Context, system, task string) string {
	a.span.SetInput(task)
	messages := []message{{Role: "system", Content: system}, {Role: "user", Content: task}}
	for range maxRounds {
		answer, err := a.ask(ctx, messages)
		if err != nil {
			a.fail("model", err)
			return "I cannot answer: " + err.Error()
		}
		if len(answer.ToolCalls) == 0 {
			return answer.Content
		}
		messages = append(messages, answer)
		for _, call := range answer.ToolCalls {
			messages = append(messages, message{Role: "tool", ToolCallID: call.ID, Content: a.use(ctx, call)})
		}
	}
	err := fmt.Errorf("no answer after %d rounds", maxRounds)
	a.fail("model", err)
	return "I cannot answer: " + err.Error()
}

// ask makes one call of the model. Its client logs it, in the span of the agent.
func (a *agent) ask(ctx context.Context, messages []message) (message, error) {
	a.done.generations++
	raw, err := a.model.complete(logger.NewContext(ctx, a.span), messages, a.tools)
	if err != nil {
		return message{}, err
	}
	return answerOf(raw)
}

// use calls a tool and returns the text for the model. A search is logged as a
// retrieval, any other call as a tool call.
func (a *agent) use(ctx context.Context, call toolCall) string {
	name, args := call.Function.Name, json.RawMessage(call.Function.Arguments)
	if name == searchTool {
		return a.search(args)
	}
	logged := a.span.AddToolCall(logger.ToolCallConfig{Name: name, Args: call.Function.Arguments})
	a.done.toolCalls++
	result, err := callTool(ctx, a.tools, name, args)
	if err != nil {
		logged.Fail(logger.Failure{Message: err.Error()})
		a.fail(name, err)
		return "error: " + err.Error()
	}
	logged.Result(result)
	return result
}

// search looks for documents.
func (a *agent) search(args json.RawMessage) string {
	retrieval := a.span.AddRetrieval(logger.RetrievalConfig{Name: searchTool})
	a.done.retrievals++
	var query struct{ Query string }
	if err := json.Unmarshal(args, &query); err != nil {
		retrieval.End()
		a.fail(searchTool, err)
		return "error: the arguments are not JSON"
	}
	retrieval.SetInput(query.Query)
	found := a.lib.search(query.Query, hits)
	retrieval.SetOutput(found)
	texts := make([]string, len(found))
	for i, f := range found {
		texts[i] = f.File + ", " + f.Heading + ": " + f.Text
	}
	return strings.Join(texts, "\n\n")
}

// fail logs an error of the agent.
func (a *agent) fail(what string, err error) {
	a.span.AddError(logger.ErrorConfig{Name: what, Message: err.Error()})
	a.done.errors++
}
