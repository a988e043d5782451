package conversation

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/fold"
)

// at returns a time some seconds after the beginning of all.
func at(seconds int) time.Time { return time.Date(2026, 1, 1, 0, 0, seconds, 0, time.UTC) }

// generation returns a model call with an answer, as a child of a trace.
func generation(id string, start int, messages, answer string) *fold.Node {
	n := node(messages, `{"choices":[{"message":{"role":"assistant","content":"`+answer+`"}}]}`)
	n.ID, n.Status, n.Start = id, "ended", at(start)
	return n
}

func TestTurnsOfATrace(t *testing.T) {
	tool := func(id, name, status string) *fold.Node {
		return &fold.Node{Kind: "tool_call", ID: id, Name: name, Status: status}
	}
	failing := tool("t2", "search", "error")
	failing.Error = json.RawMessage(`{"message":"timeout"}`)
	helper := generation("g9", 2, `[{"role":"user","content":"helper, look"}]`, "helper's answer")
	trace := &fold.Node{Kind: "trace", ID: "t", Status: "ended", Start: at(0), End: at(60), Children: []*fold.Node{
		generation("g1", 1, `[{"role":"user","content":"Find it."}]`, ""),
		tool("t1", "search", "ended"), failing, tool("t3", "read", "ended"),
		{Kind: "span", ID: "s", Status: "ended", Children: []*fold.Node{helper}},
		generation("g2", 3, `[{"role":"user","content":"Find it."},{"role":"assistant","content":""}]`, "Found."),
		generation("g3", 30, `[{"role":"user","content":"Find it."},{"role":"assistant","content":"Found."},{"role":"user","content":"Where?"}]`, "There."),
		{Kind: "error", ID: "e", Status: "error", Message: json.RawMessage(`"it broke"`)},
	}}
	want := []Turn{
		{
			User: "Find it.", Answer: "Found.", Start: at(0), End: at(30), Generations: []string{"g1", "g9", "g2"},
			Tools: []ToolUse{{"search", 2, 1}, {"read", 1, 0}}, Faults: []Fault{{"tool_call", "t2", "timeout"}},
		},
		{User: "Where?", Answer: "There.", Start: at(30), End: at(60), Generations: []string{"g3"}, Faults: []Fault{{"error", "e", "it broke"}}},
	}
	got := Turns(trace)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the turns differ (-want +got):\n%s", diff)
	}
	if count, failed := got[0].ToolCount(); count != 3 || failed != 1 {
		t.Errorf("%d tools, %d failed, want 3 and 1", count, failed)
	}
}

func TestATraceOfALaterTurnHasItsLastQuestion(t *testing.T) {
	turns := Turns(&fold.Node{Kind: "trace", Children: []*fold.Node{
		generation("g", 0, `[{"role":"user","content":"first"},{"role":"assistant","content":"a"},{"role":"user","content":"second"}]`, "b"),
	}})
	if len(turns) != 1 || turns[0].User != "second" || turns[0].Answer != "b" {
		t.Errorf("got %+v", turns)
	}
}

func TestATraceWithoutGenerationsHasItsInputAndOutput(t *testing.T) {
	turns := Turns(&fold.Node{Kind: "trace", Input: json.RawMessage(`"in"`), Output: json.RawMessage(`{"type":"text","value":"out"}`)})
	if diff := cmp.Diff([]Turn{{User: "in", Answer: "out"}}, turns); diff != "" {
		t.Errorf("the turns differ (-want +got):\n%s", diff)
	}
}

func TestFailedGenerationsAreFaultsAndToolsOfAnswersCount(t *testing.T) {
	g := node(`[{"role":"user","content":"q"}]`, `{"error":{"message":"overloaded"}}`)
	g.Status = "error"
	asks := node(`[{"role":"user","content":"q"}]`, `{"choices":[{"message":{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f"}},{"id":"2","function":{"name":"f"}}]}}]}`)
	turns := Turns(&fold.Node{Kind: "trace", Children: []*fold.Node{g, asks}})
	want := []Turn{{User: "q", Answer: "overloaded", Generations: []string{"g", "g"}, Tools: []ToolUse{{"f", 2, 0}}, Faults: []Fault{{"generation", "g", "overloaded"}}}}
	if diff := cmp.Diff(want, turns); diff != "" {
		t.Errorf("the turns differ (-want +got):\n%s", diff)
	}
}
