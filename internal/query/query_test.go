package query

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/troupelog/troupe/internal/store"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Query{
		"":                       {},
		`"a phrase" word -other`: {Phrases: []string{"a phrase"}, Words: []string{"word"}, Not: []string{"other"}},
		"http://host:80/x a=b":   {Words: []string{"http://host:80/x", "a=b"}},
		`\ - "" "open`:           {Words: []string{`\`, "-"}, Phrases: []string{"open"}},
		"status:ok kind:tool": {Terms: []store.Term{
			{Field: store.FieldStatus, Op: store.Equal, Value: "ended"}, {Field: store.FieldKind, Op: store.Equal, Value: "tool_call"},
		}},
		`-tag.env=prod meta.user="a b" tag.k:v`: {Terms: []store.Term{
			{Not: true, Field: store.FieldTag, Key: "env", Op: store.Equal, Value: "prod"},
			{Field: store.FieldMeta, Key: "user", Op: store.Equal, Value: "a b"},
			{Field: store.FieldTag, Key: "k", Op: store.Equal, Value: "v"},
		}},
		"cost:>0.01 dur:<=2s tokens:>=1k cost:$3 dur:150ms": {Terms: []store.Term{
			{Field: store.FieldCost, Op: store.Greater, Number: 10_000_000}, {Field: store.FieldTime, Op: store.Most, Number: 2_000_000},
			{Field: store.FieldTokens, Op: store.Least, Number: 1000}, {Field: store.FieldCost, Op: store.Equal, Number: 3_000_000_000},
			{Field: store.FieldTime, Op: store.Equal, Number: 150_000},
		}},
		`name:"nightly report" session:s1 is:detached`: {Terms: []store.Term{
			{Field: store.FieldName, Op: store.Equal, Value: "nightly report"}, {Field: store.FieldSession, Op: store.Equal, Value: "s1"},
			{Field: store.FieldIs, Op: store.Equal, Value: "orphan"},
		}},
	} {
		if diff := cmp.Diff(want, Parse(text), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: -want +got:\n%s", text, diff)
		}
	}
}

func TestParseReportsBadTermsAndKeepsTheOthers(t *testing.T) {
	t.Parallel()
	for text, bad := range map[string]string{
		"a dur:>soon b": "dur:>soon", "a status:fine b": "status:fine", "a cost:>>1 b": "cost:>>1", "a tokens:1.5 b": "tokens:1.5",
		"a kind:thing b": "kind:thing", "a has: b": "has:", "a is:lost b": "is:lost", "a tokens:99999999999999999k b": "tokens:99999999999999999k",
	} {
		q := Parse(text)
		if len(q.Bad) != 1 || text[q.Bad[0].From:q.Bad[0].To] != bad || q.Bad[0].Reason == "" || strings.Join(q.Words, " ") != "a b" || len(q.Terms) > 0 {
			t.Errorf("%q: %+v", text, q)
		}
	}
}

func TestParseLimitsBytesAndTerms(t *testing.T) {
	t.Parallel()
	if q := Parse(strings.Repeat("w ", MaxTerms+5)); len(q.Words) != MaxTerms || len(q.Bad) != 1 {
		t.Errorf("%d words, bad: %+v", len(q.Words), q.Bad)
	}
	if q := Parse(strings.Repeat("ä", MaxBytes)); len(q.Words) != 1 || len(q.Words[0]) > MaxBytes || len(q.Bad) != 1 {
		t.Errorf("%d words, bad: %+v", len(q.Words), q.Bad)
	}
}

// FuzzParse checks that Parse reads back every query that String prints.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", `a "b c" -d`, "cost:>0.01 dur:>2s", `tag.a\"=b`, `-"x y" -tag.é=1`, "status:", `"`, `a"b c"d`, "dur:1h2m3.5s", "is:detached -is:orphan"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q := Parse(text)
		for _, bad := range q.Bad {
			if bad.From < 0 || bad.To > len(text) || bad.From > bad.To || bad.Reason == "" {
				t.Fatalf("%+v is not a range of %q", bad, text)
			}
		}
		if !utf8.ValidString(text) || len(text) > 1000 {
			return
		}
		q.Bad = nil
		if diff := cmp.Diff(q, Parse(q.String()), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q printed as %q: -want +got:\n%s", text, q.String(), diff)
		}
	})
}

func TestOlderSpellingOfDetachedIsReadAndNeverPrinted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"is:orphan": "is:detached", "is:detached": "is:detached", "-is:orphan": "-is:detached", `is:"orphan"`: "is:detached",
	} {
		q := Parse(text)
		if got := q.String(); got != want || len(q.Bad) > 0 {
			t.Errorf("%s is printed as %s with bad terms %v, want %s", text, got, q.Bad, want)
		}
	}
	if diff := cmp.Diff(Parse("is:orphan").Terms, Parse("is:detached").Terms); diff != "" {
		t.Errorf("the spellings differ: -orphan +detached:\n%s", diff)
	}
}

func TestStringPrintsTermsInTheSyntaxOfParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"status:ok":                       "status:ended",
		"kind:tool":                       "kind:tool_call",
		"cost:>$0.010":                    "cost:>0.01",
		"dur:<=1500ms":                    "dur:<=1.5s",
		"tokens:>=2k":                     "tokens:>=2000",
		"tokens:=1M":                      "tokens:1000000",
		`tag.env:"a b"`:                   `tag.env="a b"`,
		`-meta.user=42`:                   "-meta.user=42",
		`name:"say \"hi\""`:               `name:"say \"hi\""`,
		`status:error word "two words"`:   `"two words" word status:error`,
		`-"status:error" "tag.a=b" plain`: `"tag.a=b" plain -"status:error"`,
	} {
		if got := Parse(text).String(); got != want {
			t.Errorf("%s is printed as %s, want %s", text, got, want)
		}
	}
}

func TestTextIsNeededForWordsAndPhrasesOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": false, "word": true, `"a phrase"`: true, "-word": false, "status:error": false, "status:error word": true,
	} {
		q := Parse(text)
		if got := q.Text(); got != want {
			t.Errorf("Parse(%q).Text() = %t, want %t", text, got, want)
		}
	}
}

func TestQuantityLimits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "7": 7, "3k": 3000, "3K": 3000, "2M": 2_000_000, "4611686018427387904": 1 << 62} {
		if got, ok := quantity(text); !ok || got != want {
			t.Errorf("quantity(%q) = %d, %t, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "k", "-1", "-1k", "1.5", "1kk", "4611686018427387905", "4611686018427388k", "0x10"} {
		if got, ok := quantity(text); ok {
			t.Errorf("quantity(%q) = %d, want none", text, got)
		}
	}
}

func TestWithAddsATermOnce(t *testing.T) {
	t.Parallel()
	q := Parse("word status:error")
	term := store.Term{Field: store.FieldModel, Op: store.Equal, Value: "gpt-4o"}
	with := q.With(term)
	if got, want := with.String(), "word status:error model:gpt-4o"; got != want {
		t.Errorf("With returned %s, want %s", got, want)
	}
	if got := with.With(term).String(); got != with.String() {
		t.Errorf("a second With returned %s, want %s", got, with.String())
	}
	if got, want := q.String(), "word status:error"; got != want {
		t.Errorf("With changed its receiver to %s, want %s", got, want)
	}
}

func TestReasonsNameTheExpectedForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"cost:cheap":  "cost:>0.01",
		"dur:long":    "dur:>2s",
		"tokens:many": "tokens:>1k",
		"status:fine": "error, open, ended, partial",
		"kind:agent":  "span, generation, retrieval, tool, error",
		"has:fun":     "attachment, feedback, error",
		"is:lost":     "detached",
		"model:":      "model: must be followed by a value",
	} {
		q := Parse(text)
		if len(q.Bad) != 1 || !strings.Contains(q.Bad[0].Reason, want) {
			t.Errorf("%s is reported as %+v, want a reason with %q", text, q.Bad, want)
		}
	}
}
