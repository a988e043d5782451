package genai

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// seeds are messages for fuzzing to begin with.
var seeds = []string{
	`{"role":"user","content":"hi","extra":{"a":["deep"]}}`,
	`{"role":"user","content":[{"type":"text","text":"a"},{"type":"new","x":"b"},"c",["d",{"text":"e","thought":true}]]}`,
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
		raw = bytes.TrimSpace(bytes.ToValidUTF8(raw, []byte("\uFFFD")))
		if !json.Valid(raw) || nesting(raw) > maxNesting {
			return
		}
		sent := ReadMessages(raw)
		ReadChoices(raw)
		var shown strings.Builder
		for i := range sent {
			show(&shown, &sent[i])
		}
		for _, want := range texts(raw, nil, true) {
			if !strings.Contains(shown.String(), want) {
				t.Errorf("%q of %s is in no part:\n%s", want, raw, shown.String())
			}
		}
		for i := range sent {
			sent[i].Hash()
		}
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
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return append(found, s)
	}
	for _, element := range elementsOf(raw) {
		found = texts(element, found, withoutEnvelope)
	}
	for key, value := range membersOf(raw) {
		if withoutEnvelope && (envelope[key] || key == "role" || key == "Role") {
			continue
		}
		found = texts(value, found, withoutEnvelope)
	}
	return found
}
