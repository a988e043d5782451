package genai

import (
	"encoding/json"
	"strings"
	"testing"
)

// Content that nests deeper than is followed is kept as it is, and so is JSON in strings
// that nests deeper than lines can.
func TestDeepContentIsKeptWhole(t *testing.T) {
	for _, deep := range []string{
		strings.Repeat(`[`, 90) + `"core"` + strings.Repeat(`]`, 90),
		strings.Repeat(`{"messages":[`, 60) + `"core"` + strings.Repeat(`]}`, 60),
		strings.Repeat(`{"type":"tool_result","content":[`, 60) + `"core"` + strings.Repeat(`]}`, 60),
		strings.Repeat(`{"parts":[{"functionResponse":`, 60) + `"core"` + strings.Repeat(`}]}`, 60),
	} {
		for _, message := range []string{deep, `{"role":"user","content":` + deep + `}`, `{"role":"tool","content":` + deep + `}`} {
			sent := ReadMessages(json.RawMessage(message))
			var shown strings.Builder
			for i := range sent {
				show(&shown, &sent[i])
			}
			if !strings.Contains(shown.String(), "core") {
				t.Errorf("the innermost text of %.40s… is lost", message)
			}
		}
	}
}
