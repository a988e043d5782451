package brief_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/brief"
)

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text string
		size int
		want string
	}{
		{"", 0, ""}, {"short", 5, "short"}, {"longer", 5, "lo…"}, {"ééé", 5, "é…"}, {"🦊🦊", 7, "🦊…"}, {"🦊🦊", 6, "…"},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80", 8, "\x80\x80…"}, {"abcd", 2, ""}, {"abcd", 3, "…"},
		{strings.Repeat("x", 100<<20), 10, "xxxxxxx…"},
	} {
		if got := brief.Cut(test.text, test.size); got != test.want {
			t.Errorf("Cut(%.20q, %d) = %q, want %q", test.text, test.size, got, test.want)
		}
	}
}

func TestCutIsNeverLongerAndNeverSplitsACharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, size := rapid.String().Draw(t, "text"), rapid.IntRange(0, 100).Draw(t, "size")
		got := brief.Cut(text, size)
		if len(got) > size || !utf8.ValidString(got) {
			t.Fatalf("Cut(%q, %d) = %q", text, size, got)
		}
		if begin, cut := strings.CutSuffix(got, "…"); !strings.HasPrefix(text, begin) || !cut && got != text && size >= len("…") {
			t.Fatalf("Cut(%q, %d) = %q, which is not its beginning", text, size, got)
		}
	})
}

func TestQuoteIsOneShortLine(t *testing.T) {
	for text, want := range map[string]string{
		"user/42": `"user/42"`, "a\nb\xff": `"a\nb\xff"`, strings.Repeat("y", 1<<20): `"` + strings.Repeat("y", 61) + `…"`,
	} {
		if got := brief.Quote(text); got != want {
			t.Errorf("Quote(%.20q) = %s, want %s", text, got, want)
		}
	}
}
