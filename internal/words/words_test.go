package words

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWordsAreComparedWithoutCaseAccentsAndPunctuation(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"!!! … \x00 \xff":               "",
		"Hello, World!":                 " hello world",
		"gpt-4o/mini_2":                 " gpt 4o mini 2",
		"CAFÉ cafe\u0301 Ångström":      " cafe cafe angstrom",
		"Tiếng Việt đẹp":                " tieng viet dep",
		"ΣΊΣΥΦΟΣ σίσυφος":               " σισυφοσ σισυφοσ",
		"Москва ЁЖ":                     " москва ёж",
		"日本語のtext":                      " 日 本 語 の text",
		"コーヒー":                          " コ ー ヒ ー",
		"한국어":                           " 한 국 어",
		"ที่":                           " ท ี ่",
		"كَتَبَ كتـب":                   " كتب كتب",
		"שָׁלוֹם שלום":                  " שלום שלום",
		"हिन्दी":                        " हिन्दी",
		"ＡＢＣ１":                          " abc1",
		"co\u00adoperate\u200d":         " cooperate",
		"a\x00b\xffc":                   " a b c",
		"\u0301":                        "",
		"x" + strings.Repeat("é", 1000): " x" + strings.Repeat("e", Max-1),
	} {
		if got := string(Append(nil, text)); got != want {
			t.Errorf("%q has the words %q, want %q", text, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"a b", "日本語", "é\u0301", "\xff\x00\"*", "(a OR b) NEAR -c", "ที่"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := Append(nil, text)
		if !utf8.Valid(words) {
			t.Fatalf("%q has the words %q, which are not UTF-8", text, words)
		}
		if again := Append(nil, string(words)); string(again) != string(words) {
			t.Fatalf("the words %q become %q", words, again)
		}
		last := 0
		for at := 0; ; {
			w := Next(nil, text, at)
			if w.Start == w.End {
				break
			}
			if w.Start < last || w.End <= w.Start || w.End > len(text) || len(w.Plain) == 0 {
				t.Fatalf("%q has a word %+v behind %d", text, w, last)
			}
			last, at = w.End, w.End
		}
	})
}
