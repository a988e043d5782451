package logger

import (
	"strings"
	"testing"
)

var (
	system   = strings.Repeat("You are a careful agent. ", 8)
	question = strings.Repeat("What does the fare include? ", 11)
	answer   = strings.Repeat("The fare includes one bag. ", 19)
)

// turn logs one agent turn: nine lines, about 3.2 KB.
func turn(l *Logger, response any) {
	trace := l.Trace(TraceConfig{Name: "turn"})
	gen := trace.AddGeneration(GenerationConfig{
		Model: "gpt-4o", Provider: "openai",
		Messages:        []Message{{Role: "system", Content: system}, {Role: "user", Content: question}},
		ModelParameters: map[string]any{"temperature": 0.7},
	})
	gen.Result(response)
	tool := trace.AddToolCall(ToolCallConfig{Name: "search", Args: `{"q":"fare"}`})
	tool.Result(answer[:200])
	trace.SetOutput(answer)
	trace.End()
}

func benchRig(b *testing.B) *rig {
	r := newRig(b, Config{MaxBytes: 256 << 20}, nil)
	r.sink.null = true
	b.ReportAllocs()
	b.Cleanup(func() { r.close() })
	return r
}

func BenchmarkAddTag(b *testing.B) {
	r := benchRig(b)
	trace := r.Trace(TraceConfig{})
	for b.Loop() {
		trace.AddTag("key", "value")
	}
}

func BenchmarkAddGeneration(b *testing.B) {
	r := benchRig(b)
	trace := r.Trace(TraceConfig{})
	c := GenerationConfig{
		Model: "gpt-4o", Provider: "openai",
		Messages:        []Message{{Role: "system", Content: system}, {Role: "user", Content: question}},
		ModelParameters: map[string]any{"temperature": 0.7},
	}
	for b.Loop() {
		trace.AddGeneration(c)
	}
}

func BenchmarkTurn(b *testing.B) {
	r := benchRig(b)
	response := chatCompletion(answer)
	for b.Loop() {
		turn(r.Logger, response)
	}
	b.StopTimer()
	if err := r.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(r.Stats().Rejected), "rejected")
}

func BenchmarkTurnParallel(b *testing.B) {
	r := benchRig(b)
	response := chatCompletion(answer)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			turn(r.Logger, response)
		}
	})
}

// The ceilings of what a call allocates, actors and sender included.
func TestAllocationCeilings(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates by itself")
	}
	r := newRig(t, Config{MaxBytes: 1 << 30}, nil)
	r.sink.null = true
	trace := r.Trace(TraceConfig{})
	c := GenerationConfig{
		Model: "gpt-4o", Provider: "openai",
		Messages:        []Message{{Role: "system", Content: system}, {Role: "user", Content: question}},
		ModelParameters: map[string]any{"temperature": 0.7},
	}
	for name, test := range map[string]struct {
		ceiling float64
		call    func()
	}{
		"AddTag":        {3, func() { trace.AddTag("key", "value") }},
		"AddGeneration": {12, func() { trace.AddGeneration(c) }},
	} {
		if got := testing.AllocsPerRun(20_000, test.call); got > test.ceiling {
			t.Errorf("%s allocates %.1f times, want at most %.0f", name, got, test.ceiling)
		}
	}
	r.close()
}
