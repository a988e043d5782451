package oversize_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/oversize"
)

func picture(n int) string {
	raw := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, n)...)
	_, _ = rand.Read(raw[8:])
	return base64.StdEncoding.EncodeToString(raw)
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

type message struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

func shortened(t *testing.T, data any, limit int) (map[string]any, string, []oversize.Cut) {
	t.Helper()
	out, cuts := oversize.Shorten(encode(data), limit)
	var back map[string]any
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatalf("not JSON: %v", err)
	}
	if len(out) > limit {
		t.Fatalf("%d bytes, over %d", len(out), limit)
	}
	return back, string(out), cuts
}

func TestPicturesGoFirstAndOldestFirst(t *testing.T) {
	old, young := picture(200_000), "data:image/png;base64,"+picture(200_000)
	text := strings.Repeat("words and words, ", 12_000)
	_, out, cuts := shortened(t, map[string]any{"messages": []message{
		{"user", []any{map[string]any{"data": old}, map[string]any{"text": text}}},
		{"user", []any{map[string]any{"url": young}, map[string]any{"text": "what is it"}}},
	}}, 600_000)
	if strings.Contains(out, old) || !strings.Contains(out, young) || !strings.Contains(out, text) {
		t.Error("not exactly the oldest picture is left out")
	}
	if !strings.Contains(out, "[image/png, 200.0 kB, sha256 ") || len(cuts) != 1 || cuts[0].Path != "messages[0].content[0].data" {
		t.Errorf("cuts %v", cuts)
	}
	_, out, _ = shortened(t, map[string]any{"input": young}, 10_000)
	if !strings.Contains(out, "[image/png, 200.0 kB, sha256 ") {
		t.Errorf("a data URI became %.200s", out)
	}
}

func TestTheLongestTextsOutsideTheNewestMessagesAreCutFirst(t *testing.T) {
	long := func(c string) string { return strings.Repeat(c+" ", 100_000) }
	messages := []message{{"system", long("s")}}
	for i := range 8 {
		messages = append(messages, message{"user", long(fmt.Sprint(i))})
	}
	back, _, cuts := shortened(t, map[string]any{"id": "g", "messages": messages, "modelParameters": map[string]string{"tools": long("t")}}, 1_750_000)
	var at []string
	for _, c := range cuts {
		at = append(at, c.Path)
	}
	if fmt.Sprint(at) != "[messages[1].content messages[2].content]" {
		t.Errorf("cut %v", at)
	}
	first := back["messages"].([]any)[1].(map[string]any)["content"].(string)
	if !strings.Contains(first, "…[134,464 bytes left out]…") || len(first) < 2*oversize.Side-2048 {
		t.Errorf("the text has %d bytes: %.80s", len(first), first[oversize.Side-40:])
	}
}

func TestTheOldestMessagesBecomeOne(t *testing.T) {
	messages := []message{{"system", "be kind"}}
	for i := range 1000 {
		messages = append(messages, message{"user", fmt.Sprint(i, " ", strings.Repeat("a few words ", 80))})
	}
	back, _, _ := shortened(t, map[string]any{"name": "n", "messages": messages}, 200_000)
	left := back["messages"].([]any)
	text := func(i int) string { return left[i].(map[string]any)["content"].(string) }
	if text(0) != "be kind" || !strings.Contains(text(1), "older messages") || !strings.HasPrefix(text(len(left)-1), "999 ") || len(left) < 190 {
		t.Errorf("%d messages: %s, %s, … %.20s", len(left), text(0), text(1), text(len(left)-1))
	}
}

func TestManySmallMembersAreCutAndTheFewStay(t *testing.T) {
	tags := map[string]string{}
	var docs []string
	for i := range 100_000 {
		tags[fmt.Sprint("key", i)] = "value"
		docs = append(docs, fmt.Sprint("document ", i))
	}
	back, _, cuts := shortened(t, map[string]any{"id": "x", "name": "n", "tags": tags, "docs": docs, "startTimestamp": "2026-01-01T00:00:00Z"}, 300_000)
	if back["id"] != "x" || back["name"] != "n" || back["startTimestamp"] == nil || len(cuts) == 0 {
		t.Errorf("lost a small member; cuts %v", cuts)
	}
	if docs := back["docs"].([]any); len(docs) < 1000 || docs[0] != "document 0" {
		t.Errorf("%d documents", len(docs))
	}
	if len(back["tags"].(map[string]any)) < 1000 {
		t.Errorf("%d tags", len(back["tags"].(map[string]any)))
	}
}

// Whatever the data, the result is JSON within the limit, small members are whole, and
// every cut is listed.
func TestShortenKeepsJSONWithinTheLimit(t *testing.T) {
	leaf := rapid.Custom(func(t *rapid.T) any {
		unit := rapid.SampledFrom([]string{"word ", "y", "é", "🦊", "\\", "\"", "\n", "\u2028", "\x01", "4111 1111 1111 1111 ", picture(1500)}).Draw(t, "unit")
		return strings.Repeat(unit, rapid.IntRange(1, 60_000/len(unit)*4).Draw(t, "n"))
	})
	rapid.Check(t, func(rt *rapid.T) {
		data := map[string]any{"id": "x", "name": "n"}
		for i := range rapid.IntRange(1, 6).Draw(rt, "fields") {
			data[fmt.Sprint("f", i)] = rapid.OneOf(leaf, rapid.Map(rapid.SliceOfN(leaf, 1, 4), func(v []any) any { return v }),
				rapid.Map(leaf, func(v any) any { return map[string]any{"deep": []any{v, 1}} })).Draw(rt, "value")
		}
		given := encode(data)
		limit := rapid.IntRange(2_000, 400_000).Draw(rt, "limit")
		out, cuts := oversize.Shorten(given, limit)
		var back map[string]any
		if err := json.Unmarshal(out, &back); err != nil || !utf8.Valid(out) {
			rt.Fatalf("not JSON: %v", err)
		}
		if len(out) > limit || (len(given) > limit) != (len(cuts) > 0) {
			rt.Fatalf("%d of %d bytes, limit %d, cuts %v", len(out), len(given), limit, cuts)
		}
		if back["id"] != "x" || back["name"] != "n" {
			rt.Fatalf("small members are lost: %.200s", out)
		}
	})
}

func TestWordsAreNotTakenForBase64(t *testing.T) {
	for name, s := range map[string]string{
		"one letter": strings.Repeat("y", 4000), "prose": strings.Repeat("Some words without a stop 42 ", 200),
		"lines": strings.Repeat("Alpha42\nbeta\nGamma7xyzQWERTUIOP\n", 200), "hex": strings.Repeat("0123456789abcdef", 400),
		"data: text": "data: as I said, " + strings.Repeat("words ", 1000), "Chinese": strings.Repeat("漢字", 2000),
	} {
		_, out, _ := shortened(t, map[string]any{"v": s}, 2500)
		if strings.Contains(out, "left out]") && !strings.Contains(out, "bytes left out]…") {
			t.Errorf("%s became %s", name, out)
		}
	}
}

// No half of a key, an address or a card number is left where a text is cut, so that what
// is left can be masked.
func TestWordsAreNotTorn(t *testing.T) {
	for _, secret := range []string{"sk-abcdefghijklmnop", "someone@example.com", "4111 1111 1111 1111"} {
		for shift := range 40 {
			text := strings.Repeat("x ", oversize.Side/2-20) + strings.Repeat(" ", shift) + secret + " " + strings.Repeat("y ", 60_000)
			short, kept := oversize.Text(text, nil)
			head, _, _ := strings.Cut(short, "…")
			if rest := strings.TrimRight(strings.TrimLeft(head, "x "), "y "); rest != "" && rest != secret || kept >= len(text) {
				t.Fatalf("%d: %q is left of %q", shift, rest, secret)
			}
		}
	}
}

func TestPath(t *testing.T) {
	for begun, want := range map[string]string{
		`{"a":`: "a", `{"a":1,"b":[1,{"c":`: "b[1].c", `{"m":[{"x":"]"}`: "m[1]", `{"m":[{"x":"]"},`: "m[1]", `{"a":{"b":2},"c":`: "c", `{"m":[`: "m[0]",
	} {
		if got := oversize.Path([]byte(begun)); got != want {
			t.Errorf("Path(%s) = %s, want %s", begun, got, want)
		}
	}
}

func TestMarksAreBounded(t *testing.T) {
	cuts := make([]oversize.Cut, 5000)
	for i := range cuts {
		cuts[i] = oversize.Cut{Path: fmt.Sprint("messages[", i, "].content"), Bytes: 10, Kept: 1}
	}
	mark := oversize.Mark(cuts)
	var back []oversize.Cut
	if err := json.Unmarshal(mark, &back); err != nil || len(mark) > 3<<10 || len(back) < 10 {
		t.Fatalf("%d bytes, %d cuts, %v", len(mark), len(back), err)
	}
	if given, kept := oversize.Sum(back); given != 50_000 || kept != 5000 {
		t.Errorf("the sums are %d and %d", given, kept)
	}
}
