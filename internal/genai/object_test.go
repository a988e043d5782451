package genai

import (
	"strings"
	"testing"
)

func TestDeepJSONInAStringStaysText(t *testing.T) {
	deep := strings.Repeat("[", maxNesting) + strings.Repeat("]", maxNesting)
	if parsed(deep) != nil || parsed(deep[1:len(deep)-1]) == nil {
		t.Error("the nesting of JSON in strings is bounded elsewhere")
	}
	if got := nesting([]byte(`{"[[[\"[[":[{"a\\":[]}]}`)); got != 4 {
		t.Errorf("nesting is %d, want 4", got)
	}
}
