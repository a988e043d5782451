package diff

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/pricing"
)

func says(role, text string) json.RawMessage {
	raw, err := json.Marshal(map[string]string{"role": role, "content": text})
	if err != nil {
		panic(err)
	}
	return raw
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func generation(id string, after time.Duration, messages ...json.RawMessage) *fold.Node {
	return &fold.Node{Kind: "generation", ID: id, Status: "ended", Start: start.Add(after), End: start.Add(after + time.Second), Messages: messages}
}

// shape is what a test looks at in a MessageDiff.
type shape struct {
	State  State
	A, B   int
	FA, FB int
}

func shapes(of []MessageDiff) []shape {
	var all []shape
	for _, m := range of {
		all = append(all, shape{m.State, len(m.A), len(m.B), m.FromA, m.FromB})
	}
	return all
}

func TestMessagesAreAlignedByRoleAndContent(t *testing.T) {
	t.Parallel()
	a := generation("a", 0, says("system", "be kind"), says("user", "one"), says("assistant", "two"), says("user", "three"), says("user", "gone"))
	b := generation("b", 0, says("system", "be kind"), says("user", "one"), says("assistant", "two!"), says("user", "three"), says("assistant", "four"))
	got := Generations(a, b)
	want := []shape{{Same, 2, 2, 0, 0}, {Changed, 1, 1, 2, 2}, {Same, 1, 1, 3, 3}, {OnlyA, 1, 0, 4, 4}, {OnlyB, 0, 1, 5, 4}}
	if diff := cmp.Diff(want, shapes(got.Messages)); diff != "" {
		t.Errorf("wrong alignment (-want +got):\n%s", diff)
	}
	if want := (Counts{3, 1, 1, 1}); got.Counts != want {
		t.Errorf("counts %+v, want %+v", got.Counts, want)
	}
	if blocks := got.Messages[1].Text.Blocks; len(blocks) != 1 || blocks[0].B[len(blocks[0].B)-1] != (Piece{"!", true}) {
		t.Errorf("the message that changed is %+v", blocks)
	}
}

func TestIDsOfCallsAndResultsDoNotCount(t *testing.T) {
	t.Parallel()
	made := func(id string) *fold.Node {
		n := generation(id, 0, says("user", "find"),
			raw(`{"role":"assistant","tool_calls":[{"id":"call-`+id+`","type":"function","function":{"name":"find","arguments":"{\"q\":1}"}}]}`),
			raw(`{"role":"tool","tool_call_id":"call-`+id+`","content":"found"}`))
		n.Result = raw(`{"id":"chatcmpl-` + id + `","choices":[{"message":{"role":"assistant","content":"done"}}]}`)
		return n
	}
	a, b := made("a"), made("b")
	if d := Generations(a, b); d.Different() || d.Counts.Same != 3 || d.Answer == nil {
		t.Errorf("different: %+v", d)
	}
	if d := Traces(a, b); d.Counts.Different() {
		t.Errorf("traces differ: %+v", d.Counts)
	}
}

func TestParametersAreComparedByNameAndToolsByTheirs(t *testing.T) {
	t.Parallel()
	a, b := generation("a", 0), generation("b", 0)
	a.Model, b.Model = "small", "large"
	a.Parameters = map[string]json.RawMessage{
		"temperature": raw(`"0.7"`), "top_p": raw(`1`), "stop": raw(`["a"]`),
		"tools": raw(`[{"type":"function","function":{"name":"find","description":"old"}},{"name":"gone","input_schema":{}}]`),
	}
	b.Parameters = map[string]json.RawMessage{
		"temperature": raw(`0.7`), "seed": raw(`7`), "stop": raw(`["b"]`),
		"tools": raw(`"[{\"functionDeclarations\":[{\"name\":\"new\"},{\"name\":\"find\",\"description\":\"new\"}]}]"`),
	}
	got := Generations(a, b)
	states := func(fields []FieldDiff) map[string]State {
		found := map[string]State{}
		for _, f := range fields {
			found[f.Name] = f.State
		}
		return found
	}
	want := map[string]State{"temperature": Same, "top_p": OnlyA, "seed": OnlyB, "stop": Changed, "model": Changed}
	if diff := cmp.Diff(want, states(got.Fields)); diff != "" {
		t.Errorf("wrong fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]State{"find": Changed, "gone": OnlyA, "new": OnlyB}, states(got.Tools)); diff != "" {
		t.Errorf("wrong tools (-want +got):\n%s", diff)
	}
}

func TestDeltasAreWhatBHasMore(t *testing.T) {
	t.Parallel()
	a, b := generation("a", 0), generation("b", 0)
	b.End = b.End.Add(time.Second)
	a.Usage, b.Usage = pricing.Usage{Input: 10, Total: 10}, pricing.Usage{Input: 4, Total: 4}
	a.Cost, b.Cost = pricing.Cost{Total: 3}, pricing.Cost{Total: 5}
	want := Delta{Duration: time.Second, Timed: true, Usage: pricing.Usage{Input: -6, Total: -6}, Cost: pricing.Cost{Total: 2}}
	if got := Generations(a, b).Delta; got != want {
		t.Errorf("delta %+v, want %+v", got, want)
	}
	b.End = time.Time{}
	if got := Generations(a, b).Delta; got.Timed || got.Duration != 0 {
		t.Errorf("the time of an open generation is known: %+v", got)
	}
}

func anyGeneration(id string) *rapid.Generator[*fold.Node] {
	return rapid.Custom(func(t *rapid.T) *fold.Node {
		n := generation(id, 0)
		for range rapid.IntRange(0, 8).Draw(t, "messages") {
			role := rapid.SampledFrom([]string{"user", "assistant"}).Draw(t, "role")
			n.Messages = append(n.Messages, says(role, rapid.SampledFrom([]string{"a", "b", "c d"}).Draw(t, "text")))
		}
		if rapid.Bool().Draw(t, "answered") {
			n.Result = raw(fmt.Sprintf(`{"choices":[{"message":{"role":"assistant","content":%q}}]}`, rapid.StringMatching(`[a-c ]*`).Draw(t, "answer")))
		}
		n.Parameters = map[string]json.RawMessage{}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"x", "y", "z"}), func(s string) string { return s }).Draw(t, "names") {
			n.Parameters[name] = raw(rapid.SampledFrom([]string{"1", "2"}).Draw(t, "value"))
		}
		return n
	})
}

func TestGenerationsAreSymmetricAndEqualToThemselves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyGeneration("a").Draw(t, "a"), anyGeneration("b").Draw(t, "b")
		if d := Generations(a, a); d.Different() || d.Delta != (Delta{Timed: true}) {
			t.Fatalf("a differs from itself: %+v", d)
		}
		there, back := Generations(a, b), Generations(b, a)
		if c := there.Counts; back.Counts != (Counts{c.Same, c.Changed, c.OnlyB, c.OnlyA}) {
			t.Fatalf("counts %+v and %+v", there.Counts, back.Counts)
		}
		if there.Different() != back.Different() || len(there.Fields) != len(back.Fields) {
			t.Fatalf("%+v\n%+v", there, back)
		}
		var inA, inB int
		for _, m := range there.Messages {
			if m.FromA != inA || m.FromB != inB {
				t.Fatalf("messages are left out or doubled: %+v", shapes(there.Messages))
			}
			inA, inB = inA+len(m.A), inB+len(m.B)
		}
		if inA != len(a.Messages) || inB != len(b.Messages) {
			t.Fatalf("%d and %d messages, want %d and %d", inA, inB, len(a.Messages), len(b.Messages))
		}
	})
}

func TestPreviousHasMostFirstMessagesInCommon(t *testing.T) {
	t.Parallel()
	system, one, two := says("system", "s"), says("user", "1"), says("assistant", "2")
	g := generation("g", 4*time.Second, system, one, two, says("user", "3"))
	trace := &fold.Node{Kind: "trace", Children: []*fold.Node{
		generation("unrelated", 3*time.Second, says("user", "other")),
		{Kind: "span", Children: []*fold.Node{generation("best", 2*time.Second, system, one, two)}},
		generation("older", time.Second, system, one),
		g,
		generation("later", 5*time.Second, system, one, two, says("user", "3")),
	}}
	if got := Previous(trace, g); got == nil || got.ID != "best" {
		t.Errorf("got %+v, want best", got)
	}
	first := generation("older", time.Second)
	if got := Previous(trace, first); got != nil {
		t.Errorf("the first generation has %q before it", got.ID)
	}
	if got := Previous(trace, generation("elsewhere", time.Hour)); got != nil {
		t.Errorf("a generation of another trace has %q before it", got.ID)
	}
}
