package demo

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/troupelog/troupe/logger"
)

// Config configures Run.
type Config struct {
	// Log receives the scenes. Required; the caller flushes and closes it.
	Log *logger.Logger
	// Now is the end of the week. Default: the present time.
	Now time.Time
	// Seed determines everything that varies between scenes.
	Seed uint64
	// Rounds is the number of times that each scene is logged, spread over the week. Default 12.
	Rounds int
}

// defaultRounds is the default of Config.Rounds.
const defaultRounds = 12

// week is the length of the time over which the scenes are spread.
const week = 7 * 24 * time.Hour

// scenes are the stories of the agents, one function each. Their order is part of the seed.
var scenes = []func(*stage){support, research, coding, describePicture, translate, overloaded, nightlyReport}

// Run logs the scenes and returns when all of them are handed to the logger. If ctx ends, Run stops
// between two scenes and returns the cause; the scenes until then stay logged.
func Run(ctx context.Context, c Config) error {
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	if c.Rounds <= 0 {
		c.Rounds = defaultRounds
	}
	for round := range c.Rounds {
		for i, scene := range scenes {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			number := round*len(scenes) + i
			ago := week - time.Duration(number+1)*week/time.Duration(c.Rounds*len(scenes)+1)
			scene(newStage(c, uint64(number), c.Now.Add(-ago).Add(-10*time.Minute)))
		}
	}
	unfinished(newStage(c, uint64(c.Rounds*len(scenes)), c.Now.Add(-90*time.Second)))
	return nil
}

// stage is the environment of one scene. Each scene has its own, so that a change to one does not
// change the others. A stage belongs to one goroutine.
type stage struct {
	log    *logger.Logger
	random *rand.Rand
	clock  time.Time // the time in the scene; wait moves it on
}

// newStage returns the stage of a scene that begins at a time. The number of the scene and the seed
// determine its random numbers.
func newStage(c Config, number uint64, at time.Time) *stage {
	return &stage{log: c.Log, random: rand.New(rand.NewPCG(c.Seed, number)), clock: at} //nolint:gosec // the same seed has to log the same
}

// wait moves the clock on by 0.6 to 1.5 times d and returns the new time.
func (s *stage) wait(d time.Duration) time.Time {
	s.clock = s.clock.Add(time.Duration(float64(d) * (0.6 + 0.9*s.random.Float64())))
	return s.clock
}

// pick returns one of the values at random.
func pick[T any](s *stage, values ...T) T { return values[s.random.IntN(len(values))] }

// chance reports true with a probability of p percent.
func (s *stage) chance(p int) bool { return s.random.IntN(100) < p }

// opener begins generations and tool calls: a trace or a span.
type opener interface {
	AddGeneration(c logger.GenerationConfig) logger.Generation
	AddToolCall(c logger.ToolCallConfig) logger.ToolCall
}

// answer is the response of an invented model.
type answer struct {
	text      string
	calls     []logger.MessageToolCall
	in, out   int // tokens
	cached    int // of in
	reasoning int // of out
	took      time.Duration
}

// ask logs a model call with its answer and returns the messages followed by the answer.
func (s *stage) ask(at opener, provider, model string, messages []logger.Message, a answer) []logger.Message {
	g := at.AddGeneration(logger.GenerationConfig{
		Name: "answer", Provider: provider, Model: model, Messages: messages, StartTime: s.clock,
		ModelParameters: map[string]any{"temperature": 0.2, "max_tokens": 1024},
	})
	first := s.wait(a.took / 4)
	g.AddMetric("time_to_first_token_ms", float64(first.Sub(s.clock.Add(-a.took/4)).Milliseconds()))
	g.Result(completion(model, a))
	g.EndWith(logger.EndConfig{EndTime: s.wait(a.took)})
	return append(messages, logger.Message{Role: "assistant", Content: a.text, ToolCalls: a.calls})
}

// completion returns an answer in the form of a chat completion.
func completion(model string, a answer) map[string]any {
	message := map[string]any{"role": "assistant", "content": a.text}
	reason := "stop"
	if len(a.calls) > 0 {
		reason = "tool_calls"
		var calls []any
		for _, c := range a.calls {
			calls = append(calls, map[string]any{
				"id": c.ID, "type": "function", "function": map[string]any{"name": c.Name, "arguments": c.Arguments},
			})
		}
		message["tool_calls"] = calls
	}
	return map[string]any{
		"id": "chatcmpl-demo", "object": "chat.completion", "model": model,
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": reason}},
		"usage": map[string]any{
			"prompt_tokens": a.in, "completion_tokens": a.out, "total_tokens": a.in + a.out,
			"prompt_tokens_details":     map[string]any{"cached_tokens": a.cached},
			"completion_tokens_details": map[string]any{"reasoning_tokens": a.reasoning},
		},
	}
}

// use logs a tool call with its result and returns the message that gives the result to the model.
func (s *stage) use(at opener, call logger.MessageToolCall, result string, took time.Duration) logger.Message {
	t := at.AddToolCall(logger.ToolCallConfig{Name: call.Name, Args: call.Arguments, StartTime: s.clock})
	t.Result(result)
	t.EndWith(logger.EndConfig{EndTime: s.wait(took)})
	return logger.Message{Role: "tool", ToolCallID: call.ID, Content: result}
}
