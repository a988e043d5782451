package conversation

import (
	"encoding/json"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
)

// FuzzTurns checks that no message or result makes Of or Turns panic.
func FuzzTurns(f *testing.F) {
	f.Add([]byte(`{"role":"user","content":[{"type":"text","text":"a"},{"type":"new","b":"c"},"d"]}`))
	f.Add([]byte(`{"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"f"}}]}}]}`))
	f.Add([]byte(`[{"role":"tool","tool_call_id":"1","content":[{"z":"w"}]}]`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		call := &fold.Node{Kind: "generation", Messages: []json.RawMessage{raw}, Result: raw}
		Turns(&fold.Node{Kind: "trace", Input: raw, Output: raw, Children: []*fold.Node{call}})
	})
}
