package logger

import (
	"path/filepath"
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

func benchRig(b *testing.B, c Config) *rig {
	c.MaxBytes = 256 << 20
	r := newRig(b, c, nil)
	r.sink.null = true
	b.ReportAllocs()
	b.Cleanup(func() { r.close() })
	return r
}

// The caller's cost of a call, with entries kept in memory and with a spool on disk:
// what is measured is bursts, behind each of which the clock stops until everything is
// delivered.
func BenchmarkAddTag(b *testing.B) {
	const burst = 2000
	for _, kept := range []string{"memory", "spool"} {
		b.Run(kept, func(b *testing.B) {
			var c Config
			if kept == "spool" {
				c.SpoolDir = filepath.Join(b.TempDir(), "spool")
			}
			r := benchRig(b, c)
			trace := r.Trace(TraceConfig{})
			b.ResetTimer()
			for i := range b.N {
				trace.AddTag("key", "value")
				if i%burst == burst-1 {
					b.StopTimer()
					if err := r.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			}
			b.StopTimer()
		})
	}
}

func BenchmarkAddGeneration(b *testing.B) {
	r := benchRig(b, Config{})
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
	r := benchRig(b, Config{})
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
	r := benchRig(b, Config{})
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
