package client

import (
	"context"
	"crypto/rand"
	"maps"
	"sync"

	"github.com/google/uuid"
	"github.com/posthog/posthog-go"

	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/workload"
)

// postHog is PostHog's Go client with its defaults: an event each for the generation,
// the tool call and the turn, each when it is over, as PostHog's LLM analytics wants.
type postHog struct {
	client posthog.Client
	text   workload.Turn
	mu     sync.Mutex
	denied map[string]int64 // guarded by mu
}

func newPostHog(_ context.Context, spec Spec) (peer, error) {
	client, err := posthog.NewWithConfig(rand.Text(), posthog.Config{Endpoint: spec.SinkURL})
	if err != nil {
		return nil, err
	}
	return &postHog{client: client, text: spec.Turn, denied: make(map[string]int64)}, nil
}

func (p *postHog) turn(m *measure.Meter, _ int) {
	m.Begin()
	turn := uuid.NewString()
	err := p.client.Enqueue(posthog.Capture{DistinctId: "bench", Event: "$ai_generation", Properties: posthog.Properties{
		"$ai_trace_id": turn, "$ai_span_id": uuid.NewString(), "$ai_parent_id": turn,
		"$ai_provider": p.text.Provider, "$ai_model": p.text.Model, "$ai_temperature": p.text.Temperature,
		"$ai_input": []map[string]string{
			{"role": "system", "content": p.text.System}, {"role": "user", "content": p.text.User},
		},
		"$ai_output_choices": []map[string]string{{"role": "assistant", "content": p.text.Answer}},
		"$ai_input_tokens":   p.text.PromptTok, "$ai_output_tokens": p.text.AnswerTok,
	}})
	m.End()
	p.note(err)

	m.Begin()
	err = p.client.Enqueue(posthog.Capture{DistinctId: "bench", Event: "$ai_span", Properties: posthog.Properties{
		"$ai_trace_id": turn, "$ai_span_id": uuid.NewString(), "$ai_parent_id": turn, "$ai_span_name": p.text.Tool,
		"$ai_input_state": p.text.ToolArgs, "$ai_output_state": p.text.ToolResult,
	}})
	m.End()
	p.note(err)

	m.Begin()
	err = p.client.Enqueue(posthog.Capture{DistinctId: "bench", Event: "$ai_trace", Properties: posthog.Properties{
		"$ai_trace_id": turn, "$ai_span_name": p.text.Name, "$ai_output_state": p.text.Answer,
	}})
	m.End()
	p.note(err)
}

// note counts a call that was not taken.
func (p *postHog) note(err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denied[err.Error()]++
}

// deliver cannot be bounded by a context: Close waits for as long as it takes.
func (p *postHog) deliver(context.Context) error { return p.client.Close() }

func (p *postHog) refused() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.denied)
}

// close does nothing: deliver has closed the client.
func (p *postHog) close(context.Context) error { return nil }
