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
		`name:"nightly report" session:s1 is:orphan`: {Terms: []store.Term{
			{Field: store.FieldName, Op: store.Equal, Value: "nightly report"}, {Field: store.FieldSession, Op: store.Equal, Value: "s1"},
			{Field: store.FieldIs, Op: store.Equal, Value: "orphan"},
		}},
	} {
		if diff := cmp.Diff(want, Parse(text), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: -want +got:\n%s", text, diff)
		}
	}
}

func TestBadTermsAreToldAndTheOthersHold(t *testing.T) {
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

func TestQueriesAreBounded(t *testing.T) {
	t.Parallel()
	if q := Parse(strings.Repeat("w ", MaxTerms+5)); len(q.Words) != MaxTerms || len(q.Bad) != 1 {
		t.Errorf("%d words, bad: %+v", len(q.Words), q.Bad)
	}
	if q := Parse(strings.Repeat("ä", MaxBytes)); len(q.Words) != 1 || len(q.Words[0]) > MaxBytes || len(q.Bad) != 1 {
		t.Errorf("%d words, bad: %+v", len(q.Words), q.Bad)
	}
}

// FuzzParse checks that a query which is printed means the same when it is read again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", `a "b c" -d`, "cost:>0.01 dur:>2s", `tag.a\"=b`, `-"x y" -tag.é=1`, "status:", `"`, `a"b c"d`, "dur:1h2m3.5s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q := Parse(text)
		for _, bad := range q.Bad {
			if bad.From < 0 || bad.To > len(text) || bad.From > bad.To || bad.Reason == "" {
				t.Fatalf("%+v is no place in %q", bad, text)
			}
		}
		if !utf8.ValidString(text) || len(text) > 1000 {
			return
		}
		q.Bad = nil
		if diff := cmp.Diff(q, Parse(q.String()), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q is printed as %q: -want +got:\n%s", text, q.String(), diff)
		}
	})
}
