package conversation

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/wire"
)

// seeds are messages for fuzzing to begin with.
var seeds = []string{
	`{"role":"user","content":"hi","extra":{"a":["deep"]}}`,
	`{"role":"user","content":[{"type":"text","text":"a"},{"type":"new","what":"b"},"c",["d",{"text":"e","thought":true}]]}`,
	`{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"x\":\"y\"}"}}]}`,
	`{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"t"},{"type":"odd","z":"w"}]}`,
	`{"type":"function_call_output","call_id":"1","output":{"a":"b"}}`,
	`{"role":"user","role":"two","content":"a","content":"b"}`,
	`{"messages":[{"role":"user","content":"in"}],"system":"sys","model":{"n":"m"}}`,
	`{"parts":[{"functionResponse":{"name":"n","response":{"r":"s"}}}]}`,
	`{"role":{"a":"b"},"content":{"parts":[{"x":"y"}]}}`,
	`[[["a"],{"role":"x","content":"b"}]]`,
	`{"type":"constructor","id":["HumanMessage"],"kwargs":{"content":"k"},"more":"m"}`,
	`{"role":"tool","tool_results":[{"call":{"name":"f"},"outputs":["o"]}],"content":"left"}`,
	`{"role":"user","content":"x","images":"no list","audio":"sound","refusal":["r"]}`,
}

// FuzzNothingIsLost checks that every string of a message is in a part of the
// conversation, but for those of the envelope.
func FuzzNothingIsLost(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = bytes.TrimSpace(wire.Clean(raw))
		if !json.Valid(raw) || nesting(raw) > maxNesting {
			return
		}
		c := Of(&fold.Node{Kind: "generation", Messages: []json.RawMessage{raw}, Result: raw})
		var shown strings.Builder
		for i := range c.Sent {
			show(&shown, &c.Sent[i])
		}
		for _, want := range texts(raw, nil, true) {
			if !strings.Contains(shown.String(), want) {
				t.Errorf("%q of %s is in no part:\n%s", want, raw, shown.String())
			}
		}
		for i := range c.Sent {
			c.Sent[i].Hash()
		}
		Turns(&fold.Node{Kind: "trace", Input: raw, Output: raw, Children: []*fold.Node{{Kind: "generation", Messages: []json.RawMessage{raw}, Result: raw}}})
	})
}

// show writes all strings that parts have, those within JSON decoded.
func show(b *strings.Builder, m *Message) {
	put := func(s string) { b.WriteString(s); b.WriteByte('\n') }
	put(m.Role)
	put(m.Name)
	for i := range m.Parts {
		p := &m.Parts[i]
		for _, s := range []string{p.Text, p.MIME, p.URL, p.Data, p.CallID, p.Tool} {
			put(s)
		}
		for _, raw := range []json.RawMessage{p.Raw, p.Arguments, p.Result} {
			for _, s := range texts(raw, nil, false) {
				put(s)
			}
		}
	}
}

// texts returns the strings in JSON, without those that stand in the envelope if asked
// for. Members are not told apart from messages, so the envelope is left out everywhere.
func texts(raw []byte, found []string, withoutEnvelope bool) []string {
	if s, ok := stringOf(raw); ok {
		return append(found, s)
	}
	for element := range wire.Elements(raw) {
		found = texts(element, found, withoutEnvelope)
	}
	for key, value := range wire.Fields(raw) {
		if withoutEnvelope && (envelope[string(key)] || string(key) == "role" || string(key) == "is_error" || string(key) == "Role") {
			continue
		}
		found = texts(value, found, withoutEnvelope)
	}
	return found
}
