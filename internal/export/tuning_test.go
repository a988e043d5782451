package export

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/fold"
)

// checkTuning checks that each line is a chat that ends in an answer, and that each
// result of a tool follows a call with its id.
func checkTuning(t fataler, text string) {
	t.Helper()
	for l := range strings.Lines(text) {
		var e struct {
			Messages []tuned
			Tools    []struct {
				Type     string
				Function struct{ Name string }
			}
		}
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			t.Fatalf("%v in %q", err, l)
		}
		if len(e.Messages) < 2 || e.Messages[len(e.Messages)-1].Role != "assistant" {
			t.Fatalf("no answer at the end of %q", l)
		}
		calls := map[string]bool{}
		for _, m := range e.Messages {
			for _, c := range m.ToolCalls {
				calls[c.ID] = true
			}
			if m.Role == "tool" && !calls[m.ToolCallID] {
				t.Fatalf("a result without its call in %q", l)
			}
		}
		for _, tool := range e.Tools {
			if tool.Type != "function" || tool.Function.Name == "" {
				t.Fatalf("a tool that is no function in %q", l)
			}
		}
	}
}

func TestWhatCannotBeExpressedIsSkippedAndCounted(t *testing.T) {
	t.Parallel()
	answer := `{"choices":[{"message":{"role":"assistant","content":"yes"}}]}`
	user := `{"role":"user","content":"well?"}`
	for name, c := range map[string]struct {
		messages, result, tools string
		want                    Reason // "" for a line
	}{
		"plain":          {user, answer, "", ""},
		"open":           {user, "", "", NoAnswer},
		"nothing said":   {user, `{"choices":[{"message":{"role":"assistant","content":""}}]}`, "", NoAnswer},
		"failed":         {user, `{"error":{"message":"no"}}`, "", FailedCall},
		"nothing sent":   {"", answer, "", NoMessages},
		"sound":          {`{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}`, answer, "", NotText},
		"picture":        {`{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}`, answer, "", ""},
		"strange role":   {`{"role":"narrator","content":"once"}`, answer, "", UnknownRole},
		"refusal":        {user, `{"choices":[{"message":{"role":"assistant","refusal":"no"}}]}`, "", Refused},
		"open call":      {user + `,{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}`, answer, "", OpenCall},
		"result alone":   {user + `,{"role":"tool","tool_call_id":"c","content":"x"}`, answer, "", OpenCall},
		"provider tool":  {user, answer, `[{"type":"web_search"}]`, NoFunction},
		"nameless tool":  {user, answer, `[{"type":"function","function":{}}]`, BadTools},
		"tools as text":  {user, answer, `"[{\"name\":\"f\",\"input_schema\":{}}]"`, ""},
		"tools in vain":  {user, answer, `7`, BadTools},
		"gemini's tools": {user, answer, `[{"functionDeclarations":[{"name":"f"},{"name":"g"}]}]`, ""},
	} {
		n := &fold.Node{Kind: "generation", ID: name, Result: json.RawMessage(c.result)}
		if c.result == "" {
			n.Result = nil
		}
		if c.messages != "" {
			if err := json.Unmarshal([]byte("["+c.messages+"]"), &n.Messages); err != nil {
				t.Fatal(err)
			}
		}
		if c.tools != "" {
			n.Parameters = map[string]json.RawMessage{"tools": json.RawMessage(c.tools)}
		}
		var out strings.Builder
		report, err := Tuning(t.Context(), &out, n)
		if err != nil {
			t.Fatal(err)
		}
		want := TuningReport{Skipped: map[Reason]int{c.want: 1}}
		if c.want == "" {
			want = TuningReport{Lines: 1, Skipped: map[Reason]int{}}
		}
		if diff := cmp.Diff(want, report); diff != "" || strings.Count(out.String(), "\n") != want.Lines {
			t.Errorf("%s: wrong report (-want +got):\n%s%s", name, diff, out.String())
		}
		checkTuning(t, out.String())
	}
}

func TestAnthropicsResultsBecomeMessagesAndReasoningIsCounted(t *testing.T) {
	t.Parallel()
	n := &fold.Node{
		Kind: "generation", ID: "g",
		Messages: []json.RawMessage{
			json.RawMessage(`{"role":"user","content":"find"}`),
			json.RawMessage(`{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"tool_use","id":"u1","name":"find","input":{"q":9007199254740993}}]}`),
			json.RawMessage(`{"role":"user","content":[{"type":"tool_result","tool_use_id":"u1","content":"found"},{"type":"text","text":"and?"}]}`),
		},
		Parameters: map[string]json.RawMessage{"tools": json.RawMessage(`[{"name":"find","description":"finds","input_schema":{"type":"object"}}]`)},
		Result:     json.RawMessage(`{"type":"message","role":"assistant","content":[{"type":"text","text":"done"}],"stop_reason":"end_turn"}`),
	}
	var out strings.Builder
	report, err := Tuning(t.Context(), &out, n)
	if err != nil || report.Lines != 1 || report.Reasoning != 1 {
		t.Fatalf("report %+v, error %v", report, err)
	}
	want := `{"messages":[{"role":"user","content":"find"},` +
		`{"role":"assistant","tool_calls":[{"id":"u1","type":"function","function":{"name":"find","arguments":"{\"q\":9007199254740993}"}}]},` +
		`{"role":"tool","content":"found","tool_call_id":"u1"},{"role":"user","content":"and?"},{"role":"assistant","content":"done"}],` +
		`"tools":[{"function":{"name":"find","description":"finds","parameters":{"type":"object"}},"type":"function"}]}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("wrong line (-want +got):\n%s", diff)
	}
}

func TestTuningTakesGenerationsOfSeveralTrees(t *testing.T) {
	t.Parallel()
	n := load(t, "session.json")
	report, err := Tuning(t.Context(), io.Discard, n, n.Children[0])
	if want := "{4 map[the call failed:2] 0}"; err != nil || fmt.Sprint(report) != want {
		t.Errorf("report %v, error %v, want %s", report, err, want)
	}
}
