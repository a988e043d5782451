package conversation

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
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
			c := Of(&fold.Node{Kind: "generation", Messages: []json.RawMessage{json.RawMessage(message)}, Result: json.RawMessage(message)})
			var shown strings.Builder
			for i := range c.Sent {
				show(&shown, &c.Sent[i])
			}
			if !strings.Contains(shown.String(), "core") {
				t.Errorf("the innermost text of %.40s… is lost", message)
			}
		}
	}
}

func TestDeepJSONInAStringStaysText(t *testing.T) {
	deep := strings.Repeat("[", maxNesting) + strings.Repeat("]", maxNesting)
	if parsed(deep) != nil || parsed(deep[1:len(deep)-1]) == nil {
		t.Error("the nesting of JSON in strings is bounded elsewhere")
	}
	if got := nesting([]byte(`{"[[[\"[[":[{"a\\":[]}]}`)); got != 4 {
		t.Errorf("nesting is %d, want 4", got)
	}
}
