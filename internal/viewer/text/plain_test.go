package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestPlainShowsWhatCannotBeSeen(t *testing.T) {
	chip := func(label string) string { return `<span class="chip">` + label + `</span>` }
	for source, want := range map[string]string{
		`<a href="x">'&'</a>`:     `&lt;a href=&#34;x&#34;&gt;&#39;&amp;&#39;&lt;/a&gt;`,
		"tab\tline\nend\r\n":      "tab\tline\nend\n",
		"a\rb":                    "a" + chip("␍") + "b",
		"\x00\x00\x00\x1b[1m\x7f": chip("␀×3") + chip("␛") + "[1m" + chip("␡"),
		"a\u202eb\u2066\u2069":    "a" + chip("RLO") + "b" + chip("LRI") + chip("PDI"),
		"a\u200bb\ufeff":          "a" + chip("ZWSP") + "b" + chip("BOM"),
		"a\u200db":                "a" + chip("ZWJ") + "b",
		"а\u200cб":                "а" + chip("ZWNJ") + "б",
		"می\u200cخواهم":           "می\u200cخواهم",
		"👩\u200d👧":                "👩\u200d👧",
		"👩\u200d\u200d👧":          "👩" + chip("ZWJ×2") + "👧",
		"\U000e0041":              chip("U+E0041"),
		"\u0085":                  chip("U+0085"),
		"\xff\xfe\xff":            chip(`\xFF`) + chip(`\xFE`) + chip(`\xFF`),
		"naïve 你好 שלום \u00a0 ﷽ 🏳️‍🌈": "naïve 你好 שלום \u00a0 ﷽ 🏳️‍🌈",
		"\ufffd": "\ufffd",
	} {
		if got := string(Plain(source, 0).HTML); got != want {
			t.Errorf("Plain(%q) = %s\nwant %s", source, got, want)
		}
	}
}

func TestPlainCounts(t *testing.T) {
	for source, want := range map[string]Cut{
		"":           {},
		"a":          {Shown: 1, Total: 1, Characters: 1, Lines: 1},
		"a\n":        {Shown: 2, Total: 2, Characters: 2, Lines: 1},
		"a\nbé":      {Shown: 5, Total: 5, Characters: 4, Lines: 2},
		"ab你好cdefgh": {Shown: 8, Total: 14, Characters: 10, Lines: 1},
		"abcdefg你好":  {Shown: 7, Total: 13, Characters: 9, Lines: 1},
	} {
		got := Plain(source, 8)
		got.HTML = ""
		if got != want {
			t.Errorf("Plain(%q, 8) = %+v, want %+v", source, got, want)
		}
		if got.More() != want.Total-want.Shown {
			t.Errorf("%d bytes more, want %d", got.More(), want.Total-want.Shown)
		}
	}
	if got := Plain(strings.Repeat("x", PlainLimit+9), 0); got.Shown != PlainLimit || got.More() != 9 {
		t.Errorf("by default %d bytes are shown", got.Shown)
	}
}

func TestMark(t *testing.T) {
	for _, test := range []struct {
		text  string
		marks [][2]int
		want  string
	}{
		{"a<b c", [][2]int{{1, 3}}, "a<mark>&lt;b</mark> c"},
		{"abcdef", [][2]int{{4, 5}, {0, 2}, {1, 3}}, "<mark>abc</mark>d<mark>e</mark>f"},
		{"ab", [][2]int{{-9, 1}, {1, 99}}, "<mark>ab</mark>"},
		{"ab", [][2]int{{1, 1}, {2, 1}, {5, 9}}, "ab"},
		{"a你b", [][2]int{{2, 3}}, "a<mark>你</mark>b"},
	} {
		if got := string(Mark(test.text, test.marks)); got != test.want {
			t.Errorf("Mark(%q, %v) = %s, want %s", test.text, test.marks, got, test.want)
		}
	}
}

// Whatever is cut and marked, the text itself stays complete.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("ab<>&\"'`\n é你👧[](){}*_#- 1."))).Draw(t, "text")
		limit := rapid.IntRange(4, 40).Draw(t, "limit")
		cut := Plain(s, limit)
		if got := visible(string(cut.HTML)); got != s[:cut.Shown] || !utf8.ValidString(got) {
			t.Fatalf("Plain(%q, %d) shows %q", s, limit, got)
		}
		marks := [][2]int{{rapid.IntRange(-1, 50).Draw(t, "from"), rapid.IntRange(-1, 50).Draw(t, "to")}}
		if got := visible(string(Mark(s, marks))); got != s {
			t.Fatalf("Mark(%q, %v) shows %q", s, marks, got)
		}
	})
}
