package oversize_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/oversize"
)

func filtered(body []byte, limit, piece int) (string, []oversize.Cut, bool) {
	f := oversize.NewFilter(limit, 900)
	for len(body) > 0 {
		n := min(piece, len(body))
		f.Write(body[:n])
		body = body[n:]
	}
	kept, cuts, off := f.Result()
	return string(kept), cuts, off
}

// Pictures of 6 MB leave every text of a request in its place.
func TestFilterLeavesOutPicturesAndKeepsTexts(t *testing.T) {
	for name, picture := range map[string]string{"URI": "data:image/png;base64," + picture(6<<20), "base64": picture(6 << 20)} {
		body := encode(map[string]any{"messages": []message{
			{"system", "be kind"}, {"user", []any{map[string]any{"url": picture}, map[string]any{"text": "what is it"}}}, {"user", "and then"},
		}, "temperature": 0.5})
		kept, cuts, off := filtered(body, 4<<20, 1000)
		if want := `{"messages":[{"role":"system","content":"be kind"},{"role":"user","content":[{"url":"[image/png, 6.3 MB, sha256 `; off || !strings.HasPrefix(kept, want) ||
			!strings.HasSuffix(kept, `, left out]"},{"text":"what is it"}]},{"role":"user","content":"and then"}],"temperature":0.5}`) {
			t.Errorf("%s: kept %.300s", name, kept)
		}
		if len(cuts) != 1 || cuts[0].Path != "messages[1].content[0].url" || cuts[0].Bytes != len(picture) {
			t.Errorf("%s: cuts %v", name, cuts)
		}
	}
}

func TestFilterDropsTheOldestMessages(t *testing.T) {
	for _, list := range []string{"messages", "input", "contents"} {
		var messages []any
		messages = append(messages, message{"system", "be kind"})
		for i := range 5000 {
			messages = append(messages, message{"user", fmt.Sprint(i, " ", strings.Repeat("word ", 200))})
		}
		body := encode(map[string]any{"a": 1, list: messages, "temperature": 0.5})
		kept, cuts, off := filtered(body, 1<<20, 777)
		var back map[string]any
		if err := json.Unmarshal([]byte(kept), &back); err != nil || off || len(kept) > 1<<20 {
			t.Fatalf("%d bytes, off %v, %v", len(kept), off, err)
		}
		left := back[list].([]any)
		last := left[len(left)-1].(map[string]any)["content"].(string)
		if !strings.HasPrefix(last, "4999 ") || left[0].(map[string]any)["content"] != "be kind" || len(left) < 700 || back["temperature"] != 0.5 {
			t.Errorf("%s: %d are left, the last is %.20s", list, len(left), last)
		}
		second, _ := json.Marshal(left[1])
		if n := 5001 - (len(left) - 1); !strings.Contains(string(second), fmt.Sprintf("%d older messages, ", n)) || len(cuts) != 1 || cuts[0].Path != fmt.Sprintf("%s (%d oldest)", list, n) {
			t.Errorf("%s: of %d left the second is %s, cuts %v", list, len(left), second, cuts)
		}
	}
}

// However a request is cut into pieces, what is kept is JSON within the limit with the
// last message in it, and the request itself if nothing was cut.
func TestFilterDoesNotDependOnPieces(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string {
		unit := rapid.SampledFrom([]string{"word ", "y", "é", "🦊", "\\", "\"", "\n", "\x01", "{[,"}).Draw(t, "unit")
		return strings.Repeat(unit, rapid.IntRange(1, 5000).Draw(t, "n"))
	})
	rapid.Check(t, func(rt *rapid.T) {
		var messages []any
		for range rapid.IntRange(1, 30).Draw(rt, "messages") {
			messages = append(messages, message{rapid.SampledFrom([]string{"system", "user"}).Draw(rt, "role"), text.Draw(rt, "text")})
		}
		messages = append(messages, message{"user", "last one"})
		body := encode(map[string]any{"messages": messages, "model": "m", "nested": []any{[]any{map[string]any{"a": text.Draw(rt, "other")}}}})
		limit := rapid.IntRange(20_000, 200_000).Draw(rt, "limit")
		for _, piece := range []int{len(body), rapid.IntRange(1, 3000).Draw(rt, "piece")} {
			kept, cuts, off := filtered(body, limit, piece)
			switch {
			case len(kept) > limit:
				rt.Fatalf("%d bytes, limit %d", len(kept), limit)
			case off:
			case !json.Valid([]byte(kept)):
				rt.Fatalf("not JSON: %.300s", kept)
			case len(cuts) == 0 && kept != string(body):
				rt.Fatalf("changed without a cut")
			case !strings.Contains(kept, `"last one"`):
				rt.Fatalf("the last message is lost")
			}
		}
	})
}

func TestFilterLeavesOutWhatIsNestedTooDeeply(t *testing.T) {
	body := `{"model":"m","deep":` + strings.Repeat("[", 5000) + `"]"` + strings.Repeat("]", 5000) + `,"messages":[{"role":"user","content":"hi"}]}`
	kept, cuts, off := filtered([]byte(body), 1<<20, 100)
	if off || len(cuts) != 1 || !json.Valid([]byte(kept)) || !strings.Contains(kept, `"messages":[{"role":"user","content":"hi"}]}`) || !strings.Contains(kept, "nested too deeply") {
		t.Errorf("off %v, cuts %v, kept …%s", off, cuts, kept[len(kept)-100:])
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{`{"messages":[{"a":"b"},{}]}`, `]}{,":`, `{"a":"\`, `"\u00`, strings.Repeat("[", 2000), `{"input":[1,2,"` + strings.Repeat("x", 3000) + `"]}`} {
		f.Add([]byte(s), 100)
	}
	f.Fuzz(func(t *testing.T, body []byte, limit int) {
		limit = max(1, limit%5000)
		if kept, _, _ := filtered(body, limit, 7); len(kept) > limit {
			t.Fatalf("%d bytes, limit %d", len(kept), limit)
		}
		oversize.Text(string(body), nil)
		oversize.Path(body)
		if json.Valid(body) && len(body) > 0 && body[0] == '{' {
			limit = max(limit, 64)
			if out, _ := oversize.Shorten(body, limit); !json.Valid(out) || len(out) > limit {
				t.Fatalf("%q became %q", body, out)
			}
		}
	})
}
