package logger

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
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

// What a call costs its caller, with entries kept in memory and with a spool on disk:
// bursts on either logger in turn, behind each of which everything is delivered while
// the clock stands still. The figures are medians over the bursts. In a long burst the
// caller shares the machine with the rest of the logger.
func BenchmarkAddTag(b *testing.B) {
	for _, burst := range []int{1000, 50_000} {
		b.Run(fmt.Sprint("burst=", burst), func(b *testing.B) { benchBursts(b, burst) })
	}
}

func benchBursts(b *testing.B, burst int) {
	kept := []string{"memory", "spool"}
	traces := make([]Trace, len(kept))
	rigs := make([]*rig, len(kept))
	for i := range kept {
		var c Config
		if i == 1 {
			c.SpoolDir = filepath.Join(b.TempDir(), "spool")
		}
		rigs[i] = benchRig(b, c)
		traces[i] = rigs[i].Trace(TraceConfig{})
	}
	perCall := make([][]float64, len(kept))
	for b.Loop() {
		for i, trace := range traces {
			start := time.Now()
			for range burst {
				trace.AddTag("key", "value")
			}
			perCall[i] = append(perCall[i], float64(time.Since(start).Nanoseconds())/float64(burst))
			b.StopTimer()
			if err := rigs[i].Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
	for i, name := range kept {
		slices.Sort(perCall[i])
		b.ReportMetric(perCall[i][len(perCall[i])/2], name+"-ns/call")
	}
	b.ReportMetric(perCall[1][len(perCall[1])/2]/perCall[0][len(perCall[0])/2], "spool/memory")
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

// answered is an answer as openai-go and anthropic-sdk-go have it: with the JSON that it
// was read from.
type answered struct{ json string }

func (a *answered) RawJSON() string { return a.json }

func answeredOf(b testing.TB, response any) *answered {
	raw, err := json.Marshal(response)
	if err != nil {
		b.Fatal(err)
	}
	return &answered{string(raw)}
}

// A turn whose result is a map, which is encoded by reflection, and one whose result is
// what the SDKs give.
func BenchmarkTurn(b *testing.B) {
	response := chatCompletion(answer)
	for name, result := range map[string]any{"result=map": response, "result=sdk": answeredOf(b, response)} {
		b.Run(name, func(b *testing.B) {
			r := benchRig(b, Config{})
			for b.Loop() {
				turn(r.Logger, result)
			}
			b.StopTimer()
			if err := r.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(r.Stats().Rejected), "rejected")
		})
	}
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
	result := answeredOf(t, chatCompletion(answer))
	c := GenerationConfig{
		Model: "gpt-4o", Provider: "openai",
		Messages:        []Message{{Role: "system", Content: system}, {Role: "user", Content: question}},
		ModelParameters: map[string]any{"temperature": 0.7},
	}
	for name, test := range map[string]struct {
		ceiling float64
		call    func()
	}{
		"AddTag":        {1, func() { trace.AddTag("key", "value") }},
		"AddGeneration": {5, func() { trace.AddGeneration(c) }},
		"a turn":        {34, func() { turn(r.Logger, result) }},
	} {
		if got := testing.AllocsPerRun(20_000, test.call); got > test.ceiling {
			t.Errorf("%s allocates %.1f times, want at most %.0f", name, got, test.ceiling)
		} else {
			t.Logf("%s allocates %.1f times, of %.0f", name, got, test.ceiling)
		}
	}
	r.close()
}

// What it takes to start a logger with a spool, and to close it when nothing was logged.
func BenchmarkNew(b *testing.B) {
	var opening time.Duration
	for b.Loop() {
		start := time.Now()
		l, err := New(Config{ID: "repo", BaseURL: "http://127.0.0.1:1", SpoolDir: filepath.Join(b.TempDir(), "spool"), RequireDurable: true})
		opening += time.Since(start)
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(opening.Microseconds())/1000/float64(b.N), "ms/New")
}
