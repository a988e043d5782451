package project

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/store"
)

// marked returns what Passages would show of a text, with brackets around the hits.
func marked(text string, q store.SearchQuery) string {
	marks, _ := mark(text, termsOf(q))
	text, marks = cut(text, marks)
	var out strings.Builder
	at := 0
	for _, m := range marks {
		out.WriteString(text[at:m[0]] + "[" + text[m[0]:m[1]] + "]")
		at = m[1]
	}
	return out.String() + text[at:]
}

func TestPassagesMarkWhatASearchFinds(t *testing.T) {
	for _, c := range []struct {
		text, want string
		q          store.SearchQuery
	}{
		{"The Café is open", "The [Café] is [open]", store.SearchQuery{Words: []string{"cafe", "OPEN"}}},
		{"use gpt-4o, not gpt-4", "use [gpt-4o], not gpt-4", store.SearchQuery{Words: []string{"gpt-4o"}}},
		{"quick brown, brown quick", "[quick brown], brown quick", store.SearchQuery{Phrases: []string{"Quick  Brown!"}}},
		{"aa aa aa", "[aa aa aa]", store.SearchQuery{Phrases: []string{"aa aa"}}},
		{"私は東京都に", "私は[東京]都に", store.SearchQuery{Words: []string{"東京"}}},
		{"nothing", "nothing", store.SearchQuery{Words: []string{"else"}}},
		{"a <b> c", "a <[b]> c", store.SearchQuery{Words: []string{"b", "!"}}},
	} {
		if got := marked(c.text, c.q); got != c.want {
			t.Errorf("%q is shown as %q, want %q", c.text, got, c.want)
		}
	}
}

func TestPassagesAreCutBetweenCharacters(t *testing.T) {
	long := strings.Repeat("é", 300) + " needle " + strings.Repeat("日", 300)
	got := marked(long, store.SearchQuery{Words: []string{"needle"}})
	if !strings.Contains(got, "[needle] 日") || strings.Contains(got, "\ufffd") || len(got) > MaxPassage+2 || len(got) < MaxPassage-4 {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	end := strings.Repeat("word ", 200) + "needle"
	if diff := cmp.Diff(strings.Repeat("word ", 46)+"[needle]", marked(end, store.SearchQuery{Words: []string{"needle"}})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzPassage(f *testing.F) {
	f.Add("some text with a needle", "needle")
	f.Add(strings.Repeat("日本語", 100), "語日")
	f.Add("\xff\xfe needle \x80", "needle")
	f.Fuzz(func(t *testing.T, text, phrase string) {
		marks, _ := mark(text, termsOf(store.SearchQuery{Phrases: []string{phrase}}))
		text, marks = cut(text, marks)
		last := 0
		for _, m := range marks {
			if m[0] < last || m[1] <= m[0] || m[1] > len(text) {
				t.Fatalf("marks %v in %d bytes", marks, len(text))
			}
			last = m[1]
		}
		if len(text) > MaxPassage {
			t.Fatalf("%d bytes", len(text))
		}
	})
}
