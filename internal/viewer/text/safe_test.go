package text

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/viewer/xsstest"
)

// rendered returns what every function of the package makes of a string.
func rendered(s string) map[string]string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	object := `{"` + "k" + `":` + string(quoted) + `,` + string(quoted) + `:[1,` + string(quoted) + `,{"deep":[{"deeper":{"x":` + string(quoted) + `}}]}]}`
	flat := `{` + string(quoted) + `:` + string(quoted) + `,"n":1}`
	nested, err := json.Marshal(flat)
	if err != nil {
		panic(err)
	}
	half := len(s) / 2
	return map[string]string{
		"Plain":           string(Plain(s, 0).HTML),
		"Plain cut":       string(Plain(s, half).HTML),
		"Markdown":        string(Markdown(s).HTML),
		"Markdown around": string(Markdown("# a *b\n- c [d" + s + "](https://x.example/) e*\n  1. `" + s + "\n\n" + s + "\n\n**" + s + "** [" + s + "](" + s + ")").HTML),
		"JSON":            string(JSON([]byte(s), Options{}).HTML),
		"JSON string":     string(JSON(quoted, Options{}).HTML),
		"JSON object":     string(JSON([]byte(object), Options{}).HTML),
		"JSON flat":       string(JSON([]byte(flat), Options{Table: true}).HTML),
		"JSON nested":     string(JSON(nested, Options{Table: true}).HTML),
		"JSON in a table": string(JSON([]byte(`{"a":`+string(nested)+`}`), Options{Table: true}).HTML),
		"JSON limited":    string(JSON([]byte(object), Options{Limit: 40}).HTML),
		"Mark":            string(Mark(s, [][2]int{{half, half + 3}, {1, 2}, {-5, 9999}})),
		"Mark none":       string(Mark(s, nil)),
	}
}

func checkSafe(t *testing.T, s string) {
	t.Helper()
	for name, html := range rendered(s) {
		if err := xsstest.Check(html, xsstest.Text); err != nil {
			t.Errorf("%s of %q: %v\n%s", name, s, err, html)
		}
	}
}

func TestPayloadsAreOnlyText(t *testing.T) {
	payloads := xsstest.Payloads()
	if len(payloads) < 200 {
		t.Fatalf("there are %d payloads, want at least 200", len(payloads))
	}
	for _, payload := range payloads {
		checkSafe(t, payload)
	}
	for i := 0; i < len(payloads); i += 3 {
		checkSafe(t, payloads[i]+payloads[(i*7+1)%len(payloads)])
	}
	checkSafe(t, strings.Join(payloads, "\n"))
	checkSafe(t, strings.Join(payloads, ""))
}

func FuzzHTMLIsSafe(f *testing.F) {
	for _, payload := range xsstest.Payloads() {
		f.Add(payload)
	}
	f.Fuzz(checkSafe)
}
