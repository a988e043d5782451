package logger

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/protocol"
)

// listed is a list whose end is far away.
type listed struct {
	Next *listed `json:"next,omitempty"`
}

func list(n int) *listed {
	var l *listed
	for range n {
		l = &listed{l}
	}
	return l
}

// deepMarshaler makes JSON of its own.
type deepMarshaler int

func (d deepMarshaler) MarshalJSON() ([]byte, error) { return brackets(int(d)), nil }

func brackets(n int) []byte {
	return []byte(strings.Repeat("[", n) + strings.Repeat("]", n))
}

func objects(n int) any {
	var v any = 1
	for range n {
		v = map[string]any{"a": v}
	}
	return v
}

func arrays(n int) any {
	v := []any{}
	for range n - 1 {
		v = []any{v}
	}
	return v
}

// places are the calls that take any value, each with how many levels a line has around it.
var places = map[string]struct {
	around int
	log    func(tr Trace, v any)
}{
	"input":       {1, func(tr Trace, v any) { tr.SetInput(v) }},
	"output":      {1, func(tr Trace, v any) { tr.SetOutput(v) }},
	"metadata":    {0, func(tr Trace, v any) { tr.AddMetadata(map[string]any{"k": v}) }},
	"documents":   {2, func(tr Trace, v any) { tr.AddRetrieval(RetrievalConfig{}).Output([]any{v}) }},
	"query":       {1, func(tr Trace, v any) { tr.AddRetrieval(RetrievalConfig{}).Input(v) }},
	"arguments":   {1, func(tr Trace, v any) { tr.AddToolCall(ToolCallConfig{Args: v}) }},
	"tool result": {0, func(tr Trace, v any) { tr.AddToolCall(ToolCallConfig{}).Result(v) }},
	"tool update": {1, func(tr Trace, v any) { tr.AddToolCall(ToolCallConfig{}).Update(map[string]any{"x": v}) }},
	"message": {3, func(tr Trace, v any) {
		tr.AddGeneration(GenerationConfig{Messages: []Message{{Role: "user", Content: v}}})
	}},
	"whole message": {2, func(tr Trace, v any) { tr.AddGeneration(GenerationConfig{}).AddMessage(MessageOf(v)) }},
	"parameters":    {0, func(tr Trace, v any) { tr.AddGeneration(GenerationConfig{ModelParameters: map[string]any{"p": v}}) }},
	"result":        {1, func(tr Trace, v any) { tr.AddGeneration(GenerationConfig{}).Result(v) }},
	"event":         {0, func(tr Trace, v any) { tr.AddEvent(EventConfig{Metadata: map[string]any{"k": v}}) }},
	"feedback":      {2, func(tr Trace, v any) { tr.AddFeedback(Feedback{Metadata: map[string]any{"k": v}}) }},
	"error":         {2, func(tr Trace, v any) { tr.AddError(ErrorConfig{Metadata: map[string]any{"k": v}}) }},
	"attachment": {2, func(tr Trace, v any) {
		a := URLAttachment("http://x/y")
		a.Metadata = map[string]any{"k": v}
		tr.AddAttachment(a)
	}},
	"variables": {2, func(tr Trace, v any) { tr.Evaluate().WithVariables(map[string]any{"k": v}, "e") }},
	"end":       {1, func(tr Trace, v any) { tr.AddSpan(SpanConfig{}).EndWith(EndConfig{Data: map[string]any{"x": v}}) }},
}

// kinds make a value that is n levels deep.
var kinds = map[string]func(n int) any{
	"list":       func(n int) any { return list(n) },
	"maps":       objects,
	"slices":     arrays,
	"raw":        func(n int) any { return json.RawMessage(brackets(n)) },
	"marshaller": func(n int) any { return deepMarshaler(n) },
	"raw inside": func(n int) any { return map[string]any{"a": json.RawMessage(brackets(n - 1))} },
}

// A value that would overflow the stack of a JSON encoder, or that a collector refuses, is
// told in the call; nothing else is lost.
func TestValuesThatAreNestedTooDeeplyAreUnencodable(t *testing.T) {
	type pointer *pointer
	var self pointer
	self = &self
	var inside any
	inside = &inside
	ring := &listed{}
	ring.Next = ring
	values := map[string]any{
		"a list of a million": list(1_000_000), "a million maps": objects(1_000_000), "a pointer to itself": self, "an interface of itself": inside,
		"a ring": ring, "raw JSON": json.RawMessage(brackets(100_000)), "open raw JSON": json.RawMessage(strings.Repeat("[", 1_000_000)),
		"a marshaller": deepMarshaler(5000),
	}
	for what, v := range values {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, Config{}, nil)
			tr := r.Trace(TraceConfig{ID: "t"})
			for name, p := range places {
				before := r.Stats()
				p.log(tr, v)
				if after := r.Stats(); after.RejectedBy[ErrUnencodable.Error()]+after.Suspicious[ErrUnencodable.Error()] == before.RejectedBy[ErrUnencodable.Error()]+before.Suspicious[ErrUnencodable.Error()] {
					t.Errorf("%s: not reported as ErrUnencodable", name)
				}
			}
			tr.AddTag("after", "1")
			tr.End()
			if lines := r.flushed(); !has(lines, "trace t create") || !has(lines, `trace t update {"tags":{"after":"1"}}`) || !has(lines, "trace t end") {
				t.Errorf("the trace is not whole:\n%.2000s", strings.Join(lines, "\n"))
			}
			for _, err := range r.close() {
				if !errors.Is(err, ErrUnencodable) {
					t.Errorf("reported %v", err)
				}
			}
		})
	}
}

// Whatever a call accepts, a collector accepts, and both count levels in the same way: a
// value is taken exactly if it and what the line has around it have MaxDepth levels.
func TestCallAndCollectorCountLevelsAlike(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, Config{}, nil)
		tr := r.Trace(TraceConfig{ID: rapid.StringMatching(`[a-z]{1,9}`).Draw(rt, "id")})
		for range 4 {
			place := rapid.SampledFrom(keysOf(places)).Draw(rt, "place")
			kind := rapid.SampledFrom(keysOf(kinds)).Draw(rt, "kind")
			n := rapid.IntRange(protocol.MaxDepth-4, protocol.MaxDepth+4).Draw(rt, "levels")
			before := r.Stats()
			places[place].log(tr, kinds[kind](n))
			after := r.Stats()
			reason := ErrUnencodable.Error()
			refused := after.RejectedBy[reason]+after.Suspicious[reason] > before.RejectedBy[reason]+before.Suspicious[reason]
			if want := n+places[place].around > protocol.MaxDepth; refused != want {
				rt.Errorf("%s of %d levels as %s: refused is %v, want %v", kind, n, place, refused, want)
			}
		}
		r.flushed()
		r.close() // reports lines that a collector refuses
	})
}

func keysOf[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
