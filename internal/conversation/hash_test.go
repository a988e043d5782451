package conversation

import (
	"testing"

	"github.com/troupelog/troupe/internal/genai"
)

func first(messages string) *genai.Message {
	c := Of(node(messages, ""))
	return &c.Sent[0]
}

func TestHashIsOfWhatIsSaid(t *testing.T) {
	for _, same := range [][2]string{
		{`[{"role":"user","content":"a"}]`, `[{"content":[{"type":"text","text":"a"}],"role":"user","id":"m1"}]`},
		{`[{"role":"user","content":[{"type":"text","text":"a"}]}]`, `[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]`},
		{`[{"role":"user","parts":[{"text":"a"}]}]`, `[{"role":"user","content":"a"}]`},
		{`[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"a\":1,\"b\":2}"}}]}]`,
			`[{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{ \"b\":2, \"a\":1 }"}}]}]`},
		{`[{"role":"user","content":[{"type":"new","x":1,"y":2}]}]`, `[{"role":"user","content":[{"y":2,"x":1,"type":"new"}]}]`},
	} {
		if a, b := first(same[0]), first(same[1]); a.Hash() != b.Hash() {
			t.Errorf("%s and %s should have the same hash", same[0], same[1])
		}
	}
	for _, other := range []string{
		`[{"role":"user","content":"b"}]`, `[{"role":"assistant","content":"a"}]`, `[{"role":"user","name":"n","content":"a"}]`, `[{"role":"user","content":["a","a"]}]`,
		`[{"role":"user","content":[{"type":"refusal","refusal":"a"}]}]`, `[{"role":"user","content":""}]`,
	} {
		if a, b := first(`[{"role":"user","content":"a"}]`), first(other); a.Hash() == b.Hash() {
			t.Errorf("%s should have another hash", other)
		}
	}
}

func TestCommonPrefixIsWhatThePreviousCallKnew(t *testing.T) {
	const one = `{"role":"system","content":"s"},{"role":"user","content":"q"}`
	before := Of(node(`[`+one+`]`, `{"choices":[{"message":{"role":"assistant","content":null,"annotations":[],"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}}]}`))
	after := Of(node(`[`+one+`,{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"r"}]`, ""))
	if got := genai.CommonPrefix(before.Sent, after.Sent); got != 2 {
		t.Errorf("%d messages were sent before, want 2", got)
	}
	if got := genai.CommonPrefix(before.History(), after.Sent); got != 3 {
		t.Errorf("%d messages were known before, want 3", got)
	}
	if len(before.Sent) != 2 || genai.CommonPrefix(nil, after.Sent) != 0 || genai.CommonPrefix(after.Sent, after.Sent) != 4 {
		t.Error("the bounds of a common prefix are wrong")
	}
}

func TestTextsOfAConversation(t *testing.T) {
	c := Of(node(`[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]},{"role":"user","content":"one"},
		{"role":"assistant","content":"two"},{"role":"user","content":["three","four"]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"five"}]}]`,
		`{"choices":[{"message":{"role":"assistant","content":"","refusal":"no"},"finish_reason":"stop"},{"message":{"role":"assistant","content":"other"}}]}`))
	for what, got := range map[string][2]string{
		"first user": {c.FirstUser(), "one"}, "last user": {c.LastUser(), "three\nfour"}, "answer": {c.LastAnswer(), "no"}, "finish": {c.Last().Finish, "stop"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s is %q, want %q", what, got[0], got[1])
		}
	}
	var none Conversation
	if none.Last() != nil || none.FirstUser() != "" || none.LastAnswer() != "" || len(none.History()) != 0 {
		t.Error("an empty conversation should have no texts")
	}
}

func TestPairReturnsACallAndItsResult(t *testing.T) {
	c := Of(node(`[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f"}},{"id":"2","function":{"name":"g"}}]},{"role":"tool","tool_call_id":"2","content":"r"}]`, ""))
	call, result := c.Pair(1)
	if call == nil || call.Tool != "g" || result == nil || result.Text != "r" {
		t.Errorf("got %+v and %+v", call, result)
	}
	if call, result := c.Pair(0); call != nil || result != nil {
		t.Errorf("0 is no pair, got %+v and %+v", call, result)
	}
}

func TestRepeatedIDsPairInOrder(t *testing.T) {
	wantSketch(t, node(`[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"1","content":"a"},
		{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"1","content":"b"},{"role":"tool","tool_call_id":"1","content":"c"},
		{"role":"assistant","tool_calls":[{"function":{"name":"h"}}]},{"role":"tool","content":"d"}]`, ""), `
assistant: tool_call id=1 tool=f pair=1
tool: tool_result "a" id=1 tool=f pair=1
assistant: tool_call id=1 tool=f pair=2
tool: tool_result "b" id=1 tool=f pair=2
tool: tool_result "c" id=1 unmatched
assistant: tool_call tool=h pair=3
tool: tool_result "d" tool=h pair=3
`)
}
